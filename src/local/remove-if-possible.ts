import { rmSync } from "node:fs";

/** Removes a file. Never throws: a file too many does no harm, and an error here would end what its caller goes on to do. */
export function removeIfPossible(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It stays.
  }
}
