import type { StoreStanding } from "../../index.ts";
import { fail } from "./finding.ts";
import type { Finding } from "./finding.ts";

/** Says that a store stands still; nothing where it does not. */
export function checkStanding({ standstill }: StoreStanding): Finding[] {
  if (standstill === undefined) return [];
  const { since, backupAt } = standstill;
  const from = backupAt === null ? "" : `, and was last known to be itself on ${backupAt.toISOString()}`;
  return [
    fail(
      "store epoch",
      `the store stands still since ${since.toISOString()}: it is a restored backup or a copy, as far as is known${from}`,
      "end what was ended since the backup, then run onbehalf store restored; where it was only moved, onbehalf store moved",
    ),
  ];
}

/** Says that a keeper has found its store damaged while it ran; nothing where it has not. */
export function checkFoundDamage(isDamaged: boolean): Finding[] {
  if (!isDamaged) return [];
  return [
    fail(
      "store file",
      "the store is damaged, and the keeper writes nothing more to it",
      "keep a copy of the damaged file, and restore a backup",
    ),
  ];
}
