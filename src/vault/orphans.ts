import { randomUUID } from "node:crypto";
import { fromJournal, journalText } from "../oauth/token-set.ts";
import type { TokenSet } from "../oauth/token-set.ts";
import type { Secret } from "../secret.ts";
import type { GrantRow } from "../store/store.ts";
import type { CustodyContext } from "./context.ts";

/**
 * Keeps an answer whose grant had moved on before it could be committed. Never dropped: it may be the only copy of a
 * live refresh token.
 */
export async function keepOrphan(
  { store, keyring }: CustodyContext,
  { grantId, clientId, generation }: GrantRow,
  { tokens, receivedAt }: { readonly tokens: TokenSet; readonly receivedAt: number },
): Promise<void> {
  const orphanId = randomUUID();
  const place = { clientId, column: "orphans.answer", recordId: orphanId, generation };
  await store.keepOrphan({
    orphanId,
    grantId,
    parentGeneration: generation,
    answerSealed: keyring.seal("refresh", journalText(tokens, receivedAt).expose(), place),
    receivedAt,
  });
}

/** Late answers that may still hold a live refresh token for this grant, newest first. */
export async function orphanAnswers(
  { store, keyring }: Pick<CustodyContext, "store" | "keyring">,
  { grantId, clientId, generation }: GrantRow,
): Promise<{ readonly orphanId: string; readonly refreshToken: Secret }[]> {
  const siblings = await Promise.all(
    // An orphan of this generation came from the token we just sent; one of the generation before is our own sibling.
    [generation, generation - 1].map((parent) => store.orphansOf(grantId, parent)),
  );
  return siblings.flat().flatMap((orphan) => {
    const place = {
      clientId,
      column: "orphans.answer",
      recordId: orphan.orphanId,
      generation: orphan.parentGeneration,
    };
    const text = keyring.open("refresh", orphan.answerSealed, place);
    const answer = text === undefined ? undefined : fromJournal(text);
    const refreshToken = answer?.tokens.refreshToken;
    return refreshToken === undefined ? [] : [{ orphanId: orphan.orphanId, refreshToken }];
  });
}
