/** What stands in the memory of a process on Linux, for who runs as the same user. */
import { closeSync, openSync, readFileSync, readSync } from "node:fs";

const partBytes = 2 ** 20;
/** Parts overlap by so much: what is looked for may lie across two of them. */
const overlap = 4_096;
const zeros = Buffer.alloc(partBytes + overlap);

/**
 * Every writable part of a process's memory that was ever written. The process goes on meanwhile, as under gcore.
 *
 * @param pid the process; it must belong to this user
 */
export function* writableMemory(pid: number): Generator<Buffer> {
  for (const line of readFileSync(`/proc/${pid}/maps`, "latin1").split("\n")) {
    const [, from = "0", to = "0", rights = ""] = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(line) ?? [];
    if (rights.includes("w")) yield* partsOf(`/proc/${pid}/mem`, Number.parseInt(from, 16), Number.parseInt(to, 16));
  }
}

/** What a file holds between two places, part after part; what is all zeros is left out. */
export function* partsOf(path: string, from: number, to: number): Generator<Buffer> {
  const file = openSync(path, "r");
  const part = Buffer.alloc(partBytes + overlap);
  try {
    for (let at = from; at < to; at += partBytes) {
      const read = part.subarray(0, readSync(file, part, 0, Math.min(part.length, to - at), at));
      if (!read.equals(zeros.subarray(0, read.length))) yield read;
    }
  } catch (error) {
    // A part of memory that is only reserved, or went away since it was listed.
    if ((error as NodeJS.ErrnoException).code !== "EIO") throw error;
  } finally {
    closeSync(file);
  }
}
