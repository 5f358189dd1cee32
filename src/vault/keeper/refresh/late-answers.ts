import { randomUUID } from "node:crypto";
import { fromJournal, journalText } from "../../../oauth/token-set.ts";
import type { TokenSet } from "../../../oauth/token-set.ts";
import type { Secret } from "../../../core/secret.ts";
import type { Sealer } from "../../../crypto/keyring.ts";
import type { GrantRow, LateAnswerRow } from "../../../store/store.ts";
import type { KeeperContext } from "../../context.ts";

/**
 * Keeps an answer whose grant had moved on before it could be committed. Never dropped: it may be the only copy of a
 * live refresh token.
 */
export async function keepLateAnswer(
  { store, keyring }: KeeperContext,
  { grantId, clientId, generation }: GrantRow,
  { tokens, receivedAt }: { readonly tokens: TokenSet; readonly receivedAt: number },
): Promise<void> {
  const lateAnswerId = randomUUID();
  const place = { clientId, column: "orphans.answer", recordId: lateAnswerId, generation };
  await store.keepLateAnswer({
    lateAnswerId: lateAnswerId,
    grantId,
    parentGeneration: generation,
    answerSealed: keyring.seal("refresh", journalText(tokens, receivedAt).expose(), place),
    receivedAt,
  });
}

/** Late answers that may still hold a live refresh token for this grant, newest first. */
export async function lateAnswers(
  { store, keyring }: Pick<KeeperContext, "store" | "keyring">,
  { grantId, clientId, generation }: GrantRow,
): Promise<{ readonly lateAnswerId: string; readonly refreshToken: Secret }[]> {
  const siblings = await Promise.all(
    // A late answer of this generation came from the token we just sent; one of the generation before is our own sibling.
    [generation, generation - 1].map((parent) => store.lateAnswersOf(grantId, parent)),
  );
  return siblings.flat().flatMap((lateAnswer) => {
    const refreshToken = openLateAnswer(keyring, { clientId }, lateAnswer)?.tokens.refreshToken;
    return refreshToken === undefined ? [] : [{ lateAnswerId: lateAnswer.lateAnswerId, refreshToken }];
  });
}

/** What a late answer brought; undefined where it does not open. */
export function openLateAnswer(
  keyring: Sealer,
  { clientId }: Pick<GrantRow, "clientId">,
  { lateAnswerId: lateAnswerId, parentGeneration, answerSealed }: LateAnswerRow,
): ReturnType<typeof fromJournal> {
  const place = { clientId, column: "orphans.answer", recordId: lateAnswerId, generation: parentGeneration };
  const text = keyring.open("refresh", answerSealed, place);
  return text === undefined ? undefined : fromJournal(text);
}
