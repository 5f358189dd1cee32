import { accessSync, constants } from "node:fs";
import { dirname } from "node:path";
import { isOnbehalfError, keyStatus } from "../../index.ts";
import type { MasterKeySource, Store } from "../../index.ts";
import { checkDisk, checkMode } from "./check-files.ts";
import { checkKeys } from "./check-keys.ts";
import { fileFacts, hasWriteAheadLog } from "./files.ts";
import { fail, ok, warn } from "./finding.ts";
import type { Finding } from "./finding.ts";

/** Looks at the store, and whether the key opens it. Makes no file, no table and no key. */
export async function examineStore(store: Store, keyring: MasterKeySource | undefined): Promise<Finding[]> {
  const { kind, location } = store;
  const file = kind === "sqlite" ? fileFacts(location) : undefined;
  // Before it is opened, which takes the rights of everybody away.
  const around =
    file === undefined ? [] : [...checkDisk(file), ...(file.exists ? checkMode("store file", file, "warn") : [])];
  if (file?.exists === false) return [notThereYet(location), ...around];
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
      ...(store.notes?.() ?? []).map(({ note, hint }) => warn("store connection", note, hint)),
      ...(keyring === undefined ? [] : checkKeys(await keyStatus(store, keyring))),
    ];
  } catch (error) {
    return [failed("store", error), ...around];
  } finally {
    await store.close();
  }
}

function checkLog(path: string): Finding {
  return hasWriteAheadLog(path)
    ? ok("store log", "a write-ahead log is kept")
    : fail(
        "store log",
        `${path} keeps no write-ahead log`,
        "its file system may not allow one: move it to a local disk",
      );
}

function notThereYet(path: string): Finding {
  try {
    accessSync(dirname(path), constants.W_OK);
  } catch {
    return fail(
      "store",
      `there is no database at ${path}, and none can be made`,
      "give this user the right to write to the folder",
    );
  }
  return warn(
    "store",
    `there is no database at ${path} yet`,
    "onbehalf serve makes it; if there should be one, look at ONBEHALF_STORE",
  );
}

function failed(check: string, error: unknown): Finding {
  if (!isOnbehalfError(error)) throw error;
  return fail(check, error.message, error.hint);
}
