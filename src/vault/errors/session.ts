import { OnbehalfError } from "../../core/errors.ts";
import { shownText } from "../../core/secret-likeness.ts";
import type { Beyond } from "../../core/session.ts";

/** @param beyond what its maker has not; undefined where the maker is a session itself */
export function tooMuch(name: string, beyond: Beyond | undefined): OnbehalfError<"forbidden"> {
  if (beyond === undefined) {
    return new OnbehalfError("forbidden", `a session of ${name} may not make sessions`, {
      hint: `make it with the key of ${name} itself`,
      details: {},
    });
  }
  const { what, value } = beyond;
  const lack = { allow: "the permission", grants: "what fits the selector", providers: "the provider" }[what];
  const verb = what === "allow" ? "have" : "see";
  return new OnbehalfError("forbidden", `the caller ${name} does not ${verb} ${lack} ${shownText(value)} itself`, {
    hint: `ask for less in ${what}: a session may do and see nothing that its maker may not`,
    details: what === "allow" ? { permission: value } : {},
  });
}

export function sessionNotFound(): OnbehalfError<"session_not_found"> {
  return new OnbehalfError("session_not_found", "there is no such session", {
    hint: "look at the session_id; a session that has ended is not there any more",
    details: {},
  });
}

export function tooManySessions(name: string, limit: number): OnbehalfError<"too_many_sessions"> {
  return new OnbehalfError("too_many_sessions", `the caller ${name} has ${limit} sessions that have not ended`, {
    hint: "end those that are not needed any more, and make sessions that end sooner",
    details: { limit },
  });
}
