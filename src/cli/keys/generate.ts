import { writeFileSync } from "node:fs";
import { generateMasterKey, masterKeyId } from "../../index.ts";
import { configurationInvalid } from "../../core/errors.ts";
import { printJson, printLines, say } from "../terminal/print.ts";

/** Makes a master key. No other command ever shows one. */
export function generate({ out, json }: { readonly out?: string; readonly json?: boolean }): void {
  const key = generateMasterKey();
  if (out !== undefined) writeNew(out, `${key.expose()}\n`);
  const id = masterKeyId(key);
  if (json === true) printJson(out === undefined ? { key: key.expose(), key_id: id } : { key_file: out, key_id: id });
  else if (out === undefined) printLines([key.expose()]);
  say(`master key ${id} made; keep a copy apart from the database: without the key, no grant can be opened`);
}

/** Writes a file that must not exist yet: a key that is overwritten may be the only one that opens a store. */
function writeNew(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: "wx", mode: 0o600 });
  } catch (cause) {
    const exists = cause instanceof Error && "code" in cause && cause.code === "EEXIST";
    throw exists
      ? configurationInvalid(`${path} exists already`, "name a new file: a key is never overwritten", cause)
      : configurationInvalid(`${path} cannot be written`, "check that its folder exists and may be written to", cause);
  }
}
