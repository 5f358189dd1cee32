import { OnbehalfError } from "../../core/errors.ts";

/**
 * @param what holds the limit, such as `session`
 * @param beyond the scopes beyond it; none where nobody knows the grant's scopes
 */
export function beyondScopeLimit(what: string, beyond: readonly string[]): OnbehalfError<"forbidden"> {
  const [first] = beyond;
  const more = beyond.length > 1 ? ` and ${beyond.length - 1} more` : "";
  const why =
    first === undefined
      ? "the provider does not say which scopes the grant covers"
      : `the grant covers ${first}${more} as well`;
  return new OnbehalfError("forbidden", `the ${what} is limited to some scopes, and ${why}`, {
    hint: "an access token cannot be narrowed: let the person consent to a grant that covers no more, or raise the limit",
    details: {},
  });
}
