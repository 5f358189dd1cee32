import type { Secret } from "../../core/secret.ts";
import { defined } from "../../core/defined.ts";
import { newFile } from "../new-file.ts";

/**
 * Makes a key that is shown once. The file for it is made first, and is taken away where no key came of it: a key that
 * works and is nowhere could only be revoked.
 *
 * @param out the file; by default the key is for the screen
 * @returns what was made, and what may be printed of the key: itself, or the name of its file
 */
export async function keyOnce<T extends { readonly key: Secret }>(
  out: string | undefined,
  make: () => Promise<T>,
): Promise<T & { readonly shown: { readonly key?: string; readonly key_file?: string } }> {
  const file = out === undefined ? undefined : newFile(out);
  try {
    const made = await make();
    file?.write(`${made.key.expose()}\n`);
    return { ...made, shown: defined({ key: file === undefined ? made.key.expose() : undefined, key_file: out }) };
  } catch (error) {
    file?.discard();
    throw error;
  }
}
