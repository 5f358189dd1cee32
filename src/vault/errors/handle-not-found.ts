import { OnbehalfError } from "../../core/errors.ts";

/** The grant has no such handle. */
export function handleNotFound(): OnbehalfError<"handle_not_found"> {
  return new OnbehalfError("handle_not_found", "the grant has no such handle", {
    hint: "list the grant's handles; one that ended more than 90 days ago is not kept",
    details: {},
  });
}
