import { OnbehalfError } from "../../core/errors.ts";

/** No grant fits the reference. */
export function grantNotFound(): OnbehalfError<"grant_not_found"> {
  return new OnbehalfError("grant_not_found", "no such grant", {
    hint: "check the reference; a grant exists as soon as a code was exchanged for it",
    details: {},
  });
}
