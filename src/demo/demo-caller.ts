import { randomBytes } from "node:crypto";
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { configurationInvalid } from "../core/errors.ts";
import type { Secret, Vault } from "../index.ts";
import { permissions } from "../vault/http/callers.ts";

/** The demo's caller, whose key the commands on the page use. */
export interface DemoCaller {
  readonly key: Secret;
  /**
   * The key's file, which only this user may read. Commands read the key from it: pasted into any shell they work, and the
   * page never holds the key.
   */
  readonly keyFile: string;
  /** Revokes the key and removes its file: in a folder that is kept, neither may outlive the demo. */
  end(): Promise<void>;
}

/** `demo-{pid}-{random}.key` */
const keyFileName = /^(demo-(\d+)-[0-9a-f]+)\.key$/;

/**
 * Makes a caller for this run, with every permission. Callers of runs that were killed are ended first.
 *
 * @param folder where the demo keeps its data
 * @throws {OnbehalfError} `configuration_invalid`: the key's file cannot be written
 */
export async function openDemoCaller({ callers }: Vault, folder: string): Promise<DemoCaller> {
  const end = async (name: string): Promise<void> => {
    // The file last: while it is there, the next start tries again.
    await callers.revoke(name);
    await rm(join(folder, `${name}.key`), { force: true });
  };
  for (const name of await callersOfTheDead(folder)) await end(name);
  const name = `demo-${process.pid}-${randomBytes(6).toString("hex")}`;
  const keyFile = join(folder, `${name}.key`);
  const { key } = await callers.create(name, { allow: permissions });
  try {
    await writeFile(keyFile, `${key.expose()}\n`, { mode: 0o600, flag: "wx" });
  } catch (error) {
    await end(name);
    throw configurationInvalid(
      `the demo cannot keep its data: ${keyFile} cannot be written (${String((error as NodeJS.ErrnoException).code)})`,
      "name another folder with --data",
      error,
    );
  }
  return { key, keyFile, end: () => end(name) };
}

/** The callers whose process is gone. Another demo may run on the same folder: its key goes on working. */
async function callersOfTheDead(folder: string): Promise<readonly string[]> {
  const found = (await readdir(folder)).map((file) => keyFileName.exec(file));
  return found.flatMap((match) => (match === null || isAlive(Number(match[2])) ? [] : [match[1] ?? ""]));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of somebody else may not be asked, and is there.
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
