import type { KeeperContext, RescuedCodeAnswer } from "../context.ts";
import type { IntakeRow } from "../../../store/intake-store.ts";
import { isUnderWay } from "./finish-intake.ts";
import { openAnswer, openContext, workIdOf } from "./intake.ts";

/**
 * Moves answers to codes from the rescue journal into the store's own, out of which sign-ins are finished. A process got
 * them and could not store them before it ended: the codes are used up, and these are the only copies of what they
 * brought.
 *
 * @param only the hash of one code; the answers to all codes by default
 * @returns whether there was one
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function journalRescued(context: KeeperContext, only?: Uint8Array): Promise<boolean> {
  const { rescue } = context;
  let found = false;
  for (const { name, answer } of rescue.kept()) {
    if (!("codeHash" in answer) || (only !== undefined && Buffer.compare(answer.codeHash, only) !== 0)) continue;
    if (!isOfThisStore(context, answer) || context.running.has(workIdOf(answer.codeHash))) continue;
    if (!(await journal(context, answer))) continue;
    rescue.drop(name);
    found = true;
  }
  return found;
}

/** Whether the answer opens. Another store's may be the only copy of a token of that store: it stays where it is. */
function isOfThisStore({ keyring }: KeeperContext, answer: RescuedCodeAnswer): boolean {
  return openAnswer(keyring, answer) !== undefined && openContext(keyring, answer) !== undefined;
}

/** Whether the answer came after the one that the store has: that one's refresh token was sent for it. */
function isNewer({ keyring }: KeeperContext, answer: RescuedCodeAnswer, stored: IntakeRow): boolean {
  const before = openAnswer(keyring, stored)?.receivedAt ?? 0;
  return (openAnswer(keyring, answer)?.receivedAt ?? 0) > before;
}

/** Returns whether the store has the answer now. False: the process that got it lives, and stores it by itself. */
async function journal(context: KeeperContext, answer: RescuedCodeAnswer): Promise<boolean> {
  const { store, owner, clock, running } = context;
  const { codeHash, clientId, contextSealed, answerSealed } = answer;
  const workId = workIdOf(codeHash);
  // Listed while it has an intake without its answer: else another request could have the code sent again.
  running.add(workId);
  try {
    // The intake is begun anew where the store has forgotten it, as after a day, or after a backup was restored.
    const begun = await store.beginIntake({ codeHash, clientId, owner, contextSealed }, clock.now());
    if (begun.kind === "known") {
      const { state } = begun.intake;
      // An earlier try was reported as failed but was carried out. To bring the answer in once more would put its
      // refresh token over a newer one.
      if (state === "done" || (state === "answered" && !isNewer(context, answer, begun.intake))) return true;
      running.delete(workId);
      if (state !== "rejected" && (await isUnderWay(context, begun.intake))) return false;
      running.add(workId);
    }
    await store.journalAnswer(codeHash, answerSealed, contextSealed);
    return true;
  } finally {
    running.delete(workId);
  }
}
