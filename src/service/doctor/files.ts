import { closeSync, existsSync, openSync, readSync, statSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { defined } from "../../core/defined.ts";
import { readSmallFile } from "../../local/small-file.ts";

/** What the file system says about a file. */
export interface FileFacts {
  readonly path: string;
  readonly exists: boolean;
  /** Permission bits; undefined where there is no file, or the system has none. */
  readonly mode?: number;
  /** The file system's magic number (statfs(2)), of the file or of the folder it would be in. */
  readonly fileSystem?: number;
}

export function fileFacts(path: string): FileFacts {
  const exists = existsSync(path);
  const mode = exists && process.platform !== "win32" ? statSync(path).mode & 0o777 : undefined;
  const fileSystem = magicOf(exists ? path : dirname(path));
  return defined({ path, exists, mode, fileSystem });
}

/** Whether a SQLite file keeps a write-ahead log: bytes 18 and 19 of its header. */
export function hasWriteAheadLog(path: string): boolean {
  const header = Buffer.alloc(20);
  const file = openSync(path, "r");
  try {
    readSync(file, header, 0, header.length, 0);
  } finally {
    closeSync(file);
  }
  return header[18] === 2 && header[19] === 2;
}

/** A file's text; undefined where it cannot be read. */
export function textOf(path: string): string | undefined {
  const read = readSmallFile(path);
  return "text" in read ? read.text : undefined;
}

function magicOf(path: string): number | undefined {
  try {
    return statfsSync(path).type;
  } catch {
    return undefined;
  }
}
