import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { configurationInvalid } from "../core/errors.ts";
import { shownPath } from "../core/secret-likeness.ts";

/** A file that was made for this process, and is empty so far. */
export interface NewFile {
  /** Writes the text and closes the file. */
  write(text: string): void;
  /** Takes the file away: what it was made for did not happen. */
  discard(): void;
}

/**
 * Makes a file that only this user may read, and that must not exist yet: a key that is overwritten may be the only one
 * that opens a store. Make it before what goes into it, so that a key that is shown once does not end up nowhere.
 *
 * @param path where; its folder must exist
 * @param ifThere what to do where it exists
 * @throws {OnbehalfError} `configuration_invalid`: it exists, or cannot be written
 */
export function newFile(path: string, ifThere = "name a new file: a key is never overwritten"): NewFile {
  let file: number;
  try {
    file = openSync(path, "wx", 0o600);
  } catch (cause) {
    const exists = cause instanceof Error && "code" in cause && cause.code === "EEXIST";
    const shown = shownPath(path);
    // Its words repeat the path.
    const why = shown === path ? cause : undefined;
    throw exists
      ? configurationInvalid(`${shown} exists already`, ifThere, why)
      : configurationInvalid(`${shown} cannot be written`, "check that its folder exists and may be written to", why);
  }
  return {
    write: (text) => {
      writeSync(file, text);
      closeSync(file);
    },
    discard: () => {
      closeSync(file);
      rmSync(path);
    },
  };
}

/** {@link newFile}, for a text that is there already. */
export function writeNewFile(path: string, text: string): void {
  newFile(path).write(text);
}
