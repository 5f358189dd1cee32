import { generateMasterKey, masterKeyId } from "../../index.ts";
import { writeNewFile } from "../new-file.ts";
import { printJson, printLines, say } from "../terminal/print.ts";

/** Makes a master key. No other command ever shows one. */
export function generate({ out, json }: { readonly out?: string; readonly json?: boolean }): void {
  const key = generateMasterKey();
  if (out !== undefined) writeNewFile(out, `${key.expose()}\n`);
  const id = masterKeyId(key);
  if (json === true) printJson(out === undefined ? { key: key.expose(), key_id: id } : { key_file: out, key_id: id });
  else if (out === undefined) printLines([key.expose()]);
  say(`master key ${id} made; keep a copy apart from the database: without the key, no grant can be opened`);
}
