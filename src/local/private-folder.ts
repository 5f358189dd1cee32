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
    makeOne(path);
  } catch (error) {
    const above = dirname(path);
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || above === path) throw error;
    makePrivateFolder(above);
    makeOne(path);
  }
}

/** Another process may make the same one at the same moment. */
function makeOne(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
