import type { KeyStatus } from "../../index.ts";
import { fail, ok, warn } from "./finding.ts";
import type { Finding } from "./finding.ts";

/** Says how far the replacement of data keys is, and what it waits for. */
function checkRotation({ waitsFor, resealed, unreadable }: NonNullable<KeyStatus["rotation"]>): Finding {
  if (waitsFor.length > 0) {
    const names = waitsFor.map(({ host, pid }) => `process ${pid} on ${host}`).join(", ");
    return warn(
      "data keys",
      `new data keys wait for ${names}, which has not read them`,
      "give it the newest master key, let it go on, or end it",
    );
  }
  const left = unreadable === 0 ? "" : `; ${unreadable} do not open and stay as they are`;
  return ok("data keys", `data keys are being replaced: ${resealed} values sealed anew${left}`);
}

/** Checks that the given master keys open the store, and which of them are still needed. */
export function checkKeys({ instance, masterKeys, dataKeys, rotation }: KeyStatus): Finding[] {
  if (instance === undefined) {
    return [
      ok("key", "well-formed; the store has no keys yet, and will be sealed with this one when it is first used"),
    ];
  }
  if (dataKeys.length === 0) {
    return [
      fail(
        "key",
        "the store has lost the keys that it is sealed with",
        "restore a backup of it, with all of its tables",
      ),
    ];
  }
  const closed = dataKeys.filter((key) => !key.opens);
  if (closed.length > 0) {
    const needed = [...new Set(closed.map((key) => key.masterKeyId))].join(", ");
    return [
      fail(
        "key",
        `the store was sealed with another master key (${needed})`,
        "give the key that this store was created with; without it the grants cannot be opened",
      ),
    ];
  }
  const findings = [
    ok("key", `master key ${masterKeys.find(({ wraps }) => wraps > 0)?.masterKeyId ?? ""} opens the store`),
  ];
  if (rotation !== undefined) findings.push(checkRotation(rotation));
  const [newest, ...older] = masterKeys.filter(({ given }) => given);
  if (newest !== undefined && newest.wraps < dataKeys.length) {
    findings.push(
      warn(
        "key",
        `the store is not sealed with the first master key (${newest.masterKeyId}) yet`,
        "run: onbehalf keys rotate",
      ),
    );
  }
  const idle = older.filter(({ wraps }) => wraps === 0).map(({ masterKeyId }) => masterKeyId);
  if (idle.length > 0) {
    findings.push(
      warn(
        "key",
        `nothing is sealed with ${idle.join(", ")} any more`,
        "remove it from the settings; keep a copy as long as you have backups that it opens",
      ),
    );
  }
  return findings;
}
