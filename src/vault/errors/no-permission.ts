import { OnbehalfError } from "../../core/errors.ts";

/** @param isSession whether the caller uses the key of a session */
export function noPermission(name: string, permission: string, isSession: boolean): OnbehalfError<"forbidden"> {
  const who = isSession ? `session of ${name}` : `caller ${name}`;
  return new OnbehalfError("forbidden", `the ${who} needs the permission ${permission} for this`, {
    hint: isSession
      ? "make a session that has it, with a caller key that has it"
      : `create a key that has it: onbehalf callers create NAME --allow ${permission}`,
    details: { permission },
  });
}

/** The log is about every grant: the numbers of its rows would tell whoever sees some how much the others do. */
export function seesNotEveryGrant(name: string): OnbehalfError<"forbidden"> {
  return new OnbehalfError("forbidden", `the caller ${name} may not read the log of every grant`, {
    hint: "create a key for it that sees every grant: onbehalf callers create NAME --allow audit",
    details: { permission: "audit" },
  });
}
