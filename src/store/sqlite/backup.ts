import { existsSync, renameSync, rmSync, statSync } from "node:fs";
import { DatabaseSync, backup } from "node:sqlite";
import { configurationInvalid } from "../../core/errors.ts";
import { makePrivate } from "./file.ts";
import { sqliteFailure } from "./failure.ts";

/** How many pages are copied at once: others wait so long at most before they may write. */
const pagesAtOnce = 1_000;

/**
 * Copies a database that is in use: its file alone lacks the newest commits. Others go on reading and writing. The copy has
 * its name only once it is complete, so that nobody restores half of one, and belongs to this user alone.
 *
 * @returns its size, bytes
 * @throws {OnbehalfError} `configuration_invalid`: something is at `to` already
 * @throws {OnbehalfError} `store_unavailable`: there is no room, or the folder cannot be written to
 */
export async function copyInUse(path: string, to: string): Promise<number> {
  if (existsSync(to)) {
    throw configurationInvalid(`${to} exists already`, "name a new file: a backup is never written over another one");
  }
  const unfinished = `${to}.part`;
  try {
    // Of one that was killed: it is of no use to anybody.
    rmSync(unfinished, { force: true });
    makePrivate(unfinished);
    const source = new DatabaseSync(path, { readOnly: true });
    try {
      await backup(source, unfinished, { rate: pagesAtOnce });
    } finally {
      source.close();
    }
    renameSync(unfinished, to);
    return statSync(to).size;
  } catch (error) {
    if (existsSync(unfinished)) rmSync(unfinished);
    throw sqliteFailure(error, to);
  }
}
