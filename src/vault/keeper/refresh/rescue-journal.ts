import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";

/** An answer that the store could not take: sealed, and bound to the grant and generation it answers. */
export interface RescuedAnswer {
  readonly grantId: string;
  readonly clientId: string;
  readonly parentGeneration: number;
  /** Part of where it was sealed for. */
  readonly recordId: string;
  readonly answerSealed: Uint8Array;
}

/** A journal outside the store, for answers that came while the store was failing. */
export interface RescueJournal {
  /** Keeps an answer durably. Returns its name, or undefined where even that failed; memory is then all there is. */
  keep(answer: RescuedAnswer): Promise<string | undefined>;
  drop(name: string): void;
  /** What is there. One of a process that is still trying may be among them: committing it twice does no harm. */
  kept(): { readonly name: string; readonly answer: RescuedAnswer }[];
}

/** Keeps nothing: for stores in memory. */
export const noRescue: RescueJournal = { keep: async () => undefined, drop: () => undefined, kept: () => [] };

/**
 * One file an answer, in a folder beside the store; readable by this user alone, and sealed all the same.
 *
 * @param folder made when it is first needed
 */
export function rescueFolder(folder: string): RescueJournal {
  const pathOf = (name: string): string => join(folder, name);
  return {
    async keep(answer) {
      const name = `${randomUUID()}.answer`;
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        const file = await open(pathOf(`${name}.part`), "wx", 0o600);
        try {
          await file.writeFile(
            JSON.stringify({ ...answer, answerSealed: Buffer.from(answer.answerSealed).toString("base64") }),
          );
          await file.sync();
        } finally {
          await file.close();
        }
        // Under its own name only once it is whole: a torn file must not be taken for an answer.
        renameSync(pathOf(`${name}.part`), pathOf(name));
        return name;
      } catch {
        // A full disk takes the rescue, too. The answer stays in memory, and the store is tried on.
        rmSync(pathOf(`${name}.part`), { force: true });
        return undefined;
      }
    },
    drop(name) {
      rmSync(pathOf(name), { force: true });
    },
    kept() {
      return namesIn(folder).flatMap((name) => {
        try {
          const { answerSealed, ...rest } = JSON.parse(readFileSync(pathOf(name), "utf8")) as Omit<
            RescuedAnswer,
            "answerSealed"
          > & { readonly answerSealed: string };
          return [{ name, answer: { ...rest, answerSealed: Buffer.from(answerSealed, "base64") } }];
        } catch {
          // Gone since it was listed: another process has finished it.
          return [];
        }
      });
    },
  };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(".answer"));
  } catch {
    return [];
  }
}
