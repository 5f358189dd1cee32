import { randomUUID } from "node:crypto";
import type { Secret } from "../../core/secret.ts";
import type { Sealer } from "../../crypto/keyring.ts";
import type { SealedPlace } from "../../crypto/places.ts";
import { fromJournal, journalText } from "../../oauth/token-set.ts";
import type { ReceivedTokens } from "../../oauth/token-set.ts";
import type { GrantRow, LateAnswerRow } from "../../store/store.ts";
import type { KeeperContext } from "./context.ts";

/**
 * Keeps an answer beside its grant, where the grant had another generation, or had ended, before the answer could be
 * committed. It must not be dropped: it may hold the only copy of a refresh token that works.
 *
 * @param grant as it stood at the generation whose token was sent
 */
export async function keepLateAnswer(
  { store, keyring }: Pick<KeeperContext, "store" | "keyring">,
  { grantId, clientId, generation }: Pick<GrantRow, "grantId" | "clientId" | "generation">,
  received: ReceivedTokens,
  lateAnswerId: string = randomUUID(),
): Promise<void> {
  await store.keepLateAnswer({
    lateAnswerId,
    grantId,
    parentGeneration: generation,
    answerSealed: keyring.seal(journalText(received).expose(), placeOf(clientId, lateAnswerId, generation)),
    receivedAt: received.receivedAt,
  });
}

/**
 * Keeps the refresh tokens of an answer that stand in it beside the one that counts. Each is a late answer: where the
 * one that counts is refused, they are tried. May be called again for the same answer.
 *
 * @param grant as it stood at the generation whose token was sent
 */
export async function keepOtherRefreshTokens(
  context: Pick<KeeperContext, "store" | "keyring">,
  grant: Pick<GrantRow, "grantId" | "clientId" | "generation">,
  { tokens, receivedAt }: ReceivedTokens,
): Promise<void> {
  for (const refreshToken of tokens.otherRefreshTokens ?? []) {
    const id = context.keyring.hash("late_answer", grant.grantId, refreshToken.expose()).toString("base64url");
    const other = { tokens: { refreshToken, expiresInSeconds: 0 }, receivedAt };
    await keepLateAnswer(context, grant, other, id);
  }
}

/** The late answers that may hold a working refresh token of this grant, newest first. */
export async function lateAnswers(
  { store, keyring }: Pick<KeeperContext, "store" | "keyring">,
  { grantId, clientId, generation }: GrantRow,
): Promise<{ readonly lateAnswerId: string; readonly refreshToken: Secret }[]> {
  const rows = await Promise.all(
    // A late answer to this generation came from the token that we have just sent. One to the generation before came
    // from the token that ours came from as well.
    [generation, generation - 1].map((parent) => store.lateAnswersOf(grantId, parent)),
  );
  return rows.flat().flatMap((row) => {
    const refreshToken = openLateAnswer(keyring, clientId, row)?.tokens.refreshToken;
    return refreshToken === undefined ? [] : [{ lateAnswerId: row.lateAnswerId, refreshToken }];
  });
}

/** Opens a late answer; undefined where it does not open. */
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
