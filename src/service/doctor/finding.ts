/**
 * doctor/ holds the checks that the command `onbehalf doctor` and the dashboard have in common: decisions over facts, and what
 * gathers these of a provider or a file. In which order they run, and how they are printed, does not belong here.
 */

/** What one check found. */
export interface Finding {
  readonly check: string;
  readonly status: "ok" | "warn" | "fail";
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
}

export function ok(check: string, message: string): Finding {
  return { check, status: "ok", message };
}

export function warn(check: string, message: string, hint: string): Finding {
  return { check, status: "warn", message, hint };
}

export function fail(check: string, message: string, hint: string): Finding {
  return { check, status: "fail", message, hint };
}
