import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of this checkout, with a slash at its end. */
export const checkout: string = fileURLToPath(new URL("../../", import.meta.url));

/**
 * Puts an `onbehalf` command into a folder, as an installed package would have it on the PATH.
 *
 * @returns the PATH with that folder first
 */
export async function installCommand(folder: string): Promise<string> {
  const command = join(folder, "onbehalf");
  await writeFile(command, `#!/bin/sh\nexec "${process.execPath}" "${checkout}dist/cli/main.js" "$@"\n`);
  await chmod(command, 0o755);
  return `${folder}:${process.env["PATH"] ?? ""}`;
}
