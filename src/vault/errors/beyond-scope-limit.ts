import { OnbehalfError } from "../../core/errors.ts";
import { whyBeyond } from "../../core/scope-limit.ts";

/**
 * @param what holds the limit, such as `session`
 * @param beyond the scopes beyond it; none where nobody knows the grant's scopes
 */
export function beyondScopeLimit(what: string, beyond: readonly string[]): OnbehalfError<"forbidden"> {
  return new OnbehalfError("forbidden", `the ${what} is limited to some scopes, and ${whyBeyond(beyond)}`, {
    hint: "an access token cannot be narrowed: let the person consent to a grant that covers no more, or raise the limit",
    details: {},
  });
}
