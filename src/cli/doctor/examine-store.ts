import { accessSync, constants } from "node:fs";
import { dirname } from "node:path";
import { auditStatus, isOnbehalfError, keyStatus, storeEpoch, unreadableGrants } from "../../index.ts";
import type { MasterKeySource, Store } from "../../index.ts";
import { isLink } from "../../service/rescue-problem.ts";
import { checkAudit, newestRows } from "./check-audit.ts";
import { checkCallers } from "../../service/doctor/check-callers.ts";
import { checkDisk, checkMode } from "../../service/doctor/check-files.ts";
import { checkGrants } from "../../service/doctor/check-grants.ts";
import { checkKeys } from "../../service/doctor/check-keys.ts";
import { checkStanding } from "../../service/doctor/check-standing.ts";
import { checkUnwell } from "../../service/doctor/check-unwell.ts";
import { fileFacts, hasWriteAheadLog } from "../../service/doctor/files.ts";
import { fail, ok, warn } from "../../service/doctor/finding.ts";
import type { Finding } from "../../service/doctor/finding.ts";

/** Checks the store, and that the key opens it. Creates no file, no table and no key. */
export async function examineStore(store: Store, keyring: MasterKeySource | undefined): Promise<Finding[]> {
  const { kind, location } = store;
  const file = kind === "sqlite" ? fileFacts(location) : undefined;
  // Checked before the store is opened: opening it takes everybody else's rights to the file away.
  const around =
    file === undefined ? [] : [...checkDisk(file), ...(file.exists ? checkMode("store file", file, "warn") : [])];
  // A link that leads nowhere is no place for a new database: a disk may not be mounted. Opening the store says so.
  if (file?.exists === false && !isLink(location)) return [notThereYet(location), ...around];
  try {
    await store.open({ migrate: false });
  } catch (error) {
    return [failed("store", error), ...around];
  }
  try {
    const { applied } = await store.migrations();
    return [
      ok("store", `${kind} ${location}, schema ${applied.at(-1) ?? "empty"}`),
      ...around,
      ...(kind === "sqlite" ? [checkLog(location)] : []),
      ...checkDamage((await store.findDamage?.()) ?? "", location),
      ...(store.notes?.() ?? []).map(({ note, hint }) => warn("store connection", note, hint)),
      ...checkStanding(await storeEpoch.standing(store)),
      ...checkCallers(await store.listCallers(), Date.now()),
      ...(keyring === undefined ? [] : await examineKeys(store, keyring)),
    ];
  } catch (error) {
    return [failed("store", error), ...around];
  } finally {
    await store.close().catch(() => undefined);
  }
}

async function examineKeys(store: Store, keyring: MasterKeySource): Promise<Finding[]> {
  const status = await keyStatus(store, keyring);
  const findings = checkKeys(status);
  if (status.dataKeys.length === 0 || findings.some(({ status: found }) => found === "fail")) return findings;
  const found = await unreadableGrants(store, keyring);
  const audit = await auditStatus(store, keyring, newestRows);
  return [
    ...findings,
    ...checkGrants(found, status),
    ...checkUnwell(found.unwell),
    ...(audit === undefined ? [] : [checkAudit(audit)]),
  ];
}

/** Opening a large file does not read all of it; here there is time. */
function checkDamage(damage: string, path: string): Finding[] {
  if (damage === "") return [];
  return [fail("store file", `${path} is damaged: ${damage}`, "keep a copy of the damaged file, and restore a backup")];
}

function checkLog(path: string): Finding {
  return hasWriteAheadLog(path)
    ? ok("store log", "the database keeps a write-ahead log")
    : fail(
        "store log",
        `${path} keeps no write-ahead log`,
        "its file system may not support one: move the database to a local disk",
      );
}

function notThereYet(path: string): Finding {
  try {
    accessSync(dirname(path), constants.W_OK);
  } catch {
    return fail(
      "store",
      `there is no database at ${path}, and none can be created there`,
      "let the user that runs Onbehalf write to the folder",
    );
  }
  return warn(
    "store",
    `there is no database at ${path} yet`,
    "onbehalf serve creates it; if there should be one already, check ONBEHALF_STORE",
  );
}

function failed(check: string, error: unknown): Finding {
  // A key that cannot be had is no fault of the store.
  if (isOnbehalfError(error, "key_invalid")) return fail("key", error.message, error.hint);
  if (isOnbehalfError(error)) return fail(check, error.message, error.hint);
  const words = error instanceof Error ? error.message : String(error);
  return fail(check, `it failed unexpectedly: ${words}`, "look at the database's own log; if it is sound, report this");
}
