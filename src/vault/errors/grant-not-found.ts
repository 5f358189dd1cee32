import { OnbehalfError } from "../../core/errors.ts";

/** No such grant. A caller that may not see a grant hears the same. */
export function grantNotFound(): OnbehalfError<"grant_not_found"> {
  return new OnbehalfError("grant_not_found", "no such grant", {
    hint: "check the reference; a grant exists once a code was exchanged",
    details: {},
  });
}
