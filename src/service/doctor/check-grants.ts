import type { KeyStatus, UnreadableGrant } from "../../index.ts";
import { fail, ok } from "./finding.ts";
import type { Finding } from "./finding.ts";

/** How many grants are named. */
const named = 5;

/** Says which grants hold something that does not open, and whether a data key is missing. */
export function checkGrants(
  { grants, unreadable }: { readonly grants: number; readonly unreadable: readonly UnreadableGrant[] },
  { dataKeys }: Pick<KeyStatus, "dataKeys">,
): Finding[] {
  if (grants === 0) return [];
  if (unreadable.length === 0) return [ok("grants", `${grants}, and what reading needs of them opens`)];
  const names = unreadable.slice(0, named).map(({ grantId }) => grantId);
  const more = unreadable.length > named ? ` and ${unreadable.length - named} more` : "";
  const lost = [...new Set(unreadable.flatMap(({ keyIds }) => keyIds))].filter((keyId) =>
    dataKeys.every((key) => key.keyId !== keyId),
  );
  const why = lost.length === 0 ? "" : `; data key ${lost.join(", ")} is not in the store`;
  return [
    fail(
      "grants",
      `of ${grants}, ${unreadable.length} hold a value that does not open: ${names.join(", ")}${more}${why}`,
      lost.length === 0
        ? "restore these rows from a backup; nothing else changes them but a new sign-in of the person"
        : "restore the table data_keys from a backup: they open again at once; nothing was overwritten",
    ),
  ];
}
