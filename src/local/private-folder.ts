import { mkdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a folder that only this user may enter, and those above it that are not there.
 *
 * Node's own way of making those above never ends where the system says of a folder that is there that it is not, as beneath
 * /proc: the whole process would stand still.
 *
 * @param path absolute
 * @throws the system's error, where one of them cannot be made
 */
export function makePrivateFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return;
    const above = dirname(path);
    if (code !== "ENOENT" || above === path) throw error;
    makePrivateFolder(above);
    mkdirSync(path, { mode: 0o700 });
  }
}
