import { randomUUID } from "node:crypto";
import { readFileSync, readdirSync, renameSync } from "node:fs";
import { open } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Sealer } from "../../../crypto/keyring.ts";
import type { SealedPlace } from "../../../crypto/places.ts";
import { fromJournal, journalText } from "../../../oauth/token-set.ts";
import type { ReceivedTokens } from "../../../oauth/token-set.ts";
import type { GrantRow } from "../../../store/grant-row.ts";
import type { RescueJournal, Rescued, RescuedAnswer } from "../context.ts";
import { makePrivateFolder } from "../../../local/private-folder.ts";
import { removeIfPossible } from "../../../local/remove-if-possible.ts";

/** Keeps nothing: for stores beside which there is no folder. */
export const noRescue: RescueJournal = {
  keep: async () => undefined,
  drop: () => undefined,
  kept: () => [],
  count: () => 0,
};

/**
 * Keeps each answer in a file of its own. Only this user may read the files, and the answers in them are sealed as
 * well.
 *
 * @param path of the folder, which is made when it is first needed
 */
export function rescueFolder(path: string): RescueJournal {
  // A host may go to another working directory later.
  const folder = resolve(path);
  const pathOf = (name: string): string => join(folder, name);
  return {
    async keep(answer) {
      const name = `${randomUUID()}.answer`;
      try {
        makePrivateFolder(folder);
        const file = await open(pathOf(`${name}.part`), "wx", 0o600);
        try {
          await file.writeFile(textOf(answer));
          await file.sync();
        } finally {
          await file.close();
        }
        // The file gets its name only once it is complete: a file that was cut short must not be read as an answer.
        renameSync(pathOf(`${name}.part`), pathOf(name));
        await syncFolder(folder);
        return name;
      } catch {
        // As on a full disk: the answer stays in memory, and the store is tried again.
        removeIfPossible(pathOf(`${name}.part`));
        return undefined;
      }
    },
    drop(name) {
      removeIfPossible(pathOf(name));
    },
    count: () => namesIn(folder).length,
    kept() {
      return namesIn(folder).flatMap((name) => {
        try {
          return [{ name, answer: rescuedOf(readFileSync(pathOf(name), "utf8")) }];
        } catch {
          // The file has gone since it was listed, because another process has stored its answer; or it is no answer.
          return [];
        }
      });
    },
  };
}

/** The members that hold bytes, which JSON has as base64. */
const inBytes: ReadonlySet<string> = new Set(["answerSealed", "contextSealed", "codeHash"]);

function textOf(answer: Rescued): string {
  const members = Object.entries(answer).map(([name, value]: [string, string | number | Uint8Array]) => [
    name,
    value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value,
  ]);
  return JSON.stringify(Object.fromEntries(members));
}

function rescuedOf(text: string): Rescued {
  const members = Object.entries(JSON.parse(text) as Record<string, unknown>).map(([name, value]) => [
    name,
    inBytes.has(name) ? Buffer.from(String(value), "base64") : value,
  ]);
  const { grantId, codeHash, answerSealed, ...rest }: Record<string, unknown> = Object.fromEntries(members);
  const names = typeof grantId === "string" ? { grantId } : { codeHash };
  // Somebody else's file, or one that was damaged: nothing of it may reach the store.
  if (!(answerSealed instanceof Uint8Array && ("grantId" in names || codeHash instanceof Uint8Array))) {
    throw new TypeError("this is no rescued answer");
  }
  return { ...rest, ...names, answerSealed } as Rescued;
}

/** Makes the new name survive a power cut. Some systems cannot, and then the file is there all the same. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // Windows opens no folders.
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(".answer"));
  } catch {
    return [];
  }
}

/** Seals an answer for the journal, bound to the grant and generation whose token was sent. */
export function sealForRescue(
  keyring: Sealer,
  { grantId, clientId, generation }: Pick<GrantRow, "grantId" | "clientId" | "generation">,
  received: ReceivedTokens,
): RescuedAnswer {
  const identity = { grantId, clientId, parentGeneration: generation, recordId: randomUUID() };
  return { ...identity, answerSealed: keyring.seal(journalText(received).expose(), placeOf(identity)) };
}

/**
 * Opens an answer of the journal; undefined where it does not open, because it is damaged, or was sealed by another store
 * or for another grant.
 */
export function openRescued(keyring: Sealer, rescued: RescuedAnswer): ReceivedTokens | undefined {
  const text =
    keyring.open(rescued.answerSealed, placeOf(rescued)) ??
    // Sealed by a version that did not bind it to its grant. It may be the only copy of a refresh token.
    keyring.open(rescued.answerSealed, { ...placeOf(rescued), recordId: rescued.recordId });
  return text === undefined ? undefined : fromJournal(text);
}

function placeOf({ grantId, clientId, recordId, parentGeneration }: Omit<RescuedAnswer, "answerSealed">): SealedPlace {
  const generation = parentGeneration;
  return { clientId, column: "rescue.answer", recordId: `${grantId}/${recordId}`, generation };
}
