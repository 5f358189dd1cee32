/**
 * local/ reads what an operator names on this machine: a key's file, a client's JSON, a certificate, what a program
 * prints. It bounds what it reads and how long that takes. What it means does not belong here.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/** A file's text, or why there is none: what follows its path in a message. */
export type SmallFile =
  { readonly text: string } | { readonly problem: string; readonly hint?: string; readonly cause?: unknown };

/** The largest file that is read, bytes: a hundred times what any of them needs. */
const mostBytes = 262_144;

/**
 * Reads a file that must be small. A path that leads to a pipe, to a device without an end or to a backup of the disk is
 * refused at once: to read it would hang the program, or fill its memory.
 */
export function readSmallFile(path: string): SmallFile {
  let file: number;
  try {
    // Without O_NONBLOCK, opening a pipe waits until somebody writes into it. Windows has no such flag, and no such pipes.
    file = openSync(path, constants.O_RDONLY | ((constants.O_NONBLOCK as number | undefined) ?? 0));
  } catch (cause) {
    return notRead(path, cause);
  }
  try {
    const facts = fstatSync(file);
    if (!facts.isFile()) return { problem: `cannot be read: it is ${kindOf(facts)}`, hint: "name a regular file" };
    const bytes = Buffer.alloc(mostBytes + 1);
    // What the file system says of a file's size is no bound: files in /proc say 0, and a file may grow meanwhile.
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = readSync(file, bytes, length, bytes.length - length, null);
    }
    if (length > mostBytes) {
      return { problem: `is larger than ${mostBytes / 1024} KiB`, hint: "name the right file: this one is another" };
    }
    return { text: bytes.toString("utf8", 0, length) };
  } catch (cause) {
    return notRead(path, cause);
  } finally {
    closeSync(file);
  }
}

/** Whoever started the program in another folder, or as another user, looks at the file in vain. */
function notRead(path: string, cause: unknown): SmallFile {
  const { code = "" } = cause as NodeJS.ErrnoException;
  const why = code === "ENOENT" && !/^(?:[/\\]|[a-z]:)/i.test(path) ? `${reasons[code]}, ${fromHere}` : reasons[code];
  return { problem: why === undefined ? "cannot be read" : `cannot be read: ${why}`, cause };
}

const fromHere = "seen from the folder that the program was started in";

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "it is not there",
  ENOTDIR: "a part of its path is no folder",
  EACCES: "the user that the program runs as may not read it",
  EPERM: "the user that the program runs as may not read it",
  ELOOP: "its links lead to one another",
  ENAMETOOLONG: "its name is too long",
};

function kindOf(facts: ReturnType<typeof fstatSync>): string {
  if (facts.isDirectory()) return "a folder";
  if (facts.isFIFO()) return "a pipe, and no file";
  if (facts.isCharacterDevice() || facts.isBlockDevice()) return "a device, and no file";
  return "no file";
}
