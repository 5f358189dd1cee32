import { statSync } from "node:fs";

/**
 * The permissions of a file that everybody on this machine may read or write, in octal; undefined where nobody but its owner
 * and its group may, where there is no such file, or where the system has no such permissions. Who is in the group is the
 * operator's choice.
 *
 * @param path follows links: what counts is the file that is read
 */
export function modeOpenToAll(path: string): string | undefined {
  // Windows has other means, and shows every file as open.
  if (process.platform === "win32") return undefined;
  const mode = modeOf(path);
  return (mode & 0o006) === 0 ? undefined : (mode & 0o777).toString(8).padStart(3, "0");
}

/** Of a path that cannot be looked at, reading says what is wrong. */
function modeOf(path: string): number {
  try {
    return statSync(path).mode;
  } catch {
    return 0;
  }
}
