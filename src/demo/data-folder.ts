import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { configurationInvalid } from "../core/errors.ts";
import { OnbehalfError, generateMasterKey, isOnbehalfError } from "../index.ts";

/** The folder where a demo keeps its key and its grants. */
export interface DataFolder {
  readonly path: string;
  readonly database: string;
  readonly keyFile: string;
  /** Removes the folder, where it is a temporary one. */
  remove(): Promise<void>;
}

/**
 * Opens a folder for the demo, and makes a key where it has none.
 *
 * @param given the folder to use, made where it does not exist; a temporary one by default
 * @throws {OnbehalfError} `key_invalid`: the folder has a database and no key
 * @throws {OnbehalfError} `configuration_invalid`: the folder cannot be made or written
 */
export async function openDataFolder(given: string | undefined): Promise<DataFolder> {
  try {
    return await openFolder(given);
  } catch (error) {
    const { code, path = given ?? tmpdir() } = error as NodeJS.ErrnoException;
    if (isOnbehalfError(error) || code === undefined) throw error;
    throw configurationInvalid(
      `the demo cannot keep its data: ${path} cannot be made or written (${code})`,
      given === undefined ? "name a folder with --data" : "name another folder with --data",
      error,
    );
  }
}

async function openFolder(given: string | undefined): Promise<DataFolder> {
  const path = given === undefined ? await mkdtemp(join(tmpdir(), "onbehalf-demo-")) : resolve(given);
  if (given !== undefined) await mkdir(path, { recursive: true, mode: 0o700 });
  const folder: DataFolder = {
    path,
    database: join(path, "onbehalf.db"),
    keyFile: join(path, "master.key"),
    remove: async () => {
      if (given === undefined) await rm(path, { recursive: true, force: true, maxRetries: 3 });
    },
  };
  await makeKey(folder);
  return folder;
}

async function makeKey({ path, database, keyFile }: DataFolder): Promise<void> {
  if (existsSync(keyFile)) return;
  // A new key would open nothing that the old one sealed, and would hide that the old one is missing.
  if (existsSync(database)) {
    throw new OnbehalfError("key_invalid", `${path} has a database, but not the key that it was sealed with`, {
      hint: "put master.key back into it, or choose another folder with --data",
      details: {},
    });
  }
  await writeFile(keyFile, `${generateMasterKey().expose()}\n`, { mode: 0o600, flag: "wx" });
}
