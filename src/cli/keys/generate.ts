import { writeFileSync } from "node:fs";
import { OnbehalfError, generateMasterKey, masterKeyId } from "../../index.ts";
import { printJson, printLines, say } from "../terminal/print.ts";

/** Makes a master key. This is the one place that shows it. */
export function generate({ out, json }: { readonly out?: string; readonly json?: boolean }): void {
  const key = generateMasterKey();
  if (out !== undefined) writeNew(out, `${key.expose()}\n`);
  const id = masterKeyId(key);
  if (json === true) printJson(out === undefined ? { key: key.expose(), key_id: id } : { key_file: out, key_id: id });
  else if (out === undefined) printLines([key.expose()]);
  say(`master key ${id} made; keep a copy apart from the database: without it, no grant can be opened`);
}

/** Never over an existing key: it may be the only one that opens a store. */
function writeNew(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: "wx", mode: 0o600 });
  } catch (cause) {
    const exists = cause instanceof Error && "code" in cause && cause.code === "EEXIST";
    const problem = exists ? `${path} exists` : `${path} cannot be written`;
    throw new OnbehalfError("configuration_invalid", problem, {
      hint: exists
        ? "name another file; a key is never written over"
        : "look whether its folder exists and may be written",
      details: { problems: [problem] },
      cause,
    });
  }
}
