/**
 * epoch/ finds out whether the store is the one that it was, and holds back what a restored one must not do. What is decided
 * from facts belongs in core/epoch.ts.
 */
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { KeptMark } from "../../../core/epoch.ts";
import { isMac } from "../../../crypto/keyring.ts";
import type { Sealer } from "../../../crypto/keyring.ts";
import { makePrivateFolder } from "../../../local/private-folder.ts";
import { removeIfPossible } from "../../../local/remove-if-possible.ts";

/** What is remembered of a store outside of it. */
export interface MarkFile {
  /** @returns undefined where nothing is remembered, or somebody else wrote it */
  read(): KeptMark | undefined;
  /** Remembers something else. Never throws: without it, the store's own words have to do. */
  write(kept: KeptMark): void;
}

/** Remembers nothing: for stores beside which there is no folder. */
export const noMarkFile: MarkFile = { read: () => undefined, write: () => undefined };

/**
 * Keeps it in a file of the rescue folder, under a name that tells stores apart: several may share one. Whoever writes it without
 * the store's keys is not believed.
 *
 * @param path of the folder
 * @param mayMake whether the folder may be made
 */
export function markFile(path: string, keyring: Pick<Sealer, "hash">, mayMake: boolean): MarkFile {
  const folder = resolve(path);
  const file = join(folder, `${keyring.hash("mark_name").toString("hex").slice(0, 32)}.mark`);
  const macOf = (said: string): Buffer => keyring.hash("kept_mark", said);
  return {
    read() {
      try {
        const { said, mac } = JSON.parse(readFileSync(file, "utf8")) as { said: string; mac: string };
        return isMac(Buffer.from(mac, "hex"), macOf(said)) ? (JSON.parse(said) as KeptMark) : undefined;
      } catch {
        // It is not there, or was cut short by a power cut.
        return undefined;
      }
    },
    write(kept) {
      const unfinished = `${file}.${randomUUID()}.part`;
      try {
        if (!mayMake && !existsSync(folder)) return;
        makePrivateFolder(folder);
        const said = JSON.stringify(kept);
        writeFileSync(unfinished, JSON.stringify({ said, mac: macOf(said).toString("hex") }), {
          mode: 0o600,
          flag: "wx",
        });
        renameSync(unfinished, file);
      } catch {
        removeIfPossible(unfinished);
      }
    },
  };
}
