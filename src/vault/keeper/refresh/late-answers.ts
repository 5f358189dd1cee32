import { randomUUID } from "node:crypto";
import { fromJournal, journalText } from "../../../oauth/token-set.ts";
import type { TokenSet } from "../../../oauth/token-set.ts";
import type { Secret } from "../../../core/secret.ts";
import type { Sealer } from "../../../crypto/keyring.ts";
import type { GrantRow, OrphanRow } from "../../../store/store.ts";
import type { CustodyContext } from "../../context.ts";

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
    const refreshToken = openOrphan(keyring, { clientId }, orphan)?.tokens.refreshToken;
    return refreshToken === undefined ? [] : [{ orphanId: orphan.orphanId, refreshToken }];
  });
}

/** What a late answer brought; undefined where it does not open. */
export function openOrphan(
  keyring: Sealer,
  { clientId }: Pick<GrantRow, "clientId">,
  { orphanId, parentGeneration, answerSealed }: OrphanRow,
): ReturnType<typeof fromJournal> {
  const place = { clientId, column: "orphans.answer", recordId: orphanId, generation: parentGeneration };
  const text = keyring.open("refresh", answerSealed, place);
  return text === undefined ? undefined : fromJournal(text);
}
