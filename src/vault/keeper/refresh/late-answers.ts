import { randomUUID } from "node:crypto";
import type { Secret } from "../../../core/secret.ts";
import type { Sealer } from "../../../crypto/keyring.ts";
import type { SealedPlace } from "../../../crypto/places.ts";
import { fromJournal, journalText } from "../../../oauth/token-set.ts";
import type { ReceivedTokens } from "../../../oauth/token-set.ts";
import type { GrantRow, LateAnswerRow } from "../../../store/store.ts";
import type { KeeperContext } from "../context.ts";

/**
 * Keeps an answer whose grant had moved on before it could be committed. It is never dropped: it may hold the only copy
 * of a refresh token that works.
 *
 * @param grant as it stood at the generation whose token was sent
 */
export async function keepLateAnswer(
  { store, keyring }: KeeperContext,
  { grantId, clientId, generation }: Pick<GrantRow, "grantId" | "clientId" | "generation">,
  received: ReceivedTokens,
): Promise<void> {
  const lateAnswerId = randomUUID();
  await store.keepLateAnswer({
    lateAnswerId,
    grantId,
    parentGeneration: generation,
    answerSealed: keyring.seal(journalText(received).expose(), placeOf(clientId, lateAnswerId, generation)),
    receivedAt: received.receivedAt,
  });
}

/** Late answers that may still hold a refresh token of this grant that works, newest first. */
export async function lateAnswers(
  { store, keyring }: Pick<KeeperContext, "store" | "keyring">,
  { grantId, clientId, generation }: GrantRow,
): Promise<{ readonly lateAnswerId: string; readonly refreshToken: Secret }[]> {
  const rows = await Promise.all(
    // One of this generation came from the token we just sent; one of the generation before came from the same token
    // as ours.
    [generation, generation - 1].map((parent) => store.lateAnswersOf(grantId, parent)),
  );
  return rows.flat().flatMap((row) => {
    const refreshToken = openLateAnswer(keyring, clientId, row)?.tokens.refreshToken;
    return refreshToken === undefined ? [] : [{ lateAnswerId: row.lateAnswerId, refreshToken }];
  });
}

/** What a late answer brought; undefined where it does not open. */
export function openLateAnswer(
  keyring: Sealer,
  clientId: string,
  { lateAnswerId, parentGeneration, answerSealed }: LateAnswerRow,
): ReceivedTokens | undefined {
  const text = keyring.open(answerSealed, placeOf(clientId, lateAnswerId, parentGeneration));
  return text === undefined ? undefined : fromJournal(text);
}

function placeOf(clientId: string, lateAnswerId: string, generation: number): SealedPlace {
  return { clientId, column: "orphans.answer", recordId: lateAnswerId, generation };
}
