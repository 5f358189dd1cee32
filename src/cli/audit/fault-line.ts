import type { AuditFault } from "../../index.ts";

const meanings: Readonly<Record<AuditFault["problem"], string>> = {
  missing: "taken out",
  changed: "says something else than what was written, or was not written by us",
  moved: "was not written in this place",
  cut: "cut off at the end",
  head_differs: "is not the row that the head names",
};

/** What is wrong with the audit log, for people. */
export function faultLine({ seq, upTo, problem }: AuditFault): string {
  const which = upTo === undefined ? `row ${seq}` : `rows ${seq} to ${upTo}`;
  return `${which}: ${problem}: ${meanings[problem]}`;
}
