import { randomUUID } from "node:crypto";
import { scopesOf } from "../../core/grant.ts";
import { lostScopes } from "../../core/scopes.ts";
import type { Secret } from "../../core/secret.ts";
import type { Sealer } from "../../crypto/keyring.ts";
import type { SealedPlace } from "../../crypto/places.ts";
import { fromJournal, journalText } from "../../oauth/token-set.ts";
import type { ReceivedTokens, TokenSet } from "../../oauth/token-set.ts";
import type { GrantRow } from "../../store/grant-row.ts";
import type { LateAnswerRow } from "../../store/refresh-store.ts";
import type { KeeperContext } from "./context.ts";
import { canonicalOf } from "./scope-change.ts";

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
    answerSealed: keyring.seal(
      journalText(received).expose(),
      placeOf(clientId, `${grantId}/${lateAnswerId}`, generation),
    ),
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
  { store, keyring, emit }: Pick<KeeperContext, "store" | "keyring" | "emit">,
  { grantId, clientId, provider, generation }: GrantRow,
): Promise<LateRefreshToken[]> {
  const rows = await Promise.all(
    // A late answer to this generation came from the token that we have just sent. One to the generation before came
    // from the token that ours came from as well. A consent for less came from none, and may be as old as it likes.
    [generation, generation - 1, fromCode].map((parent) => store.lateAnswersOf(grantId, parent)),
  );
  return rows.flat().flatMap((row) => {
    const opened = openLateAnswer(keyring, clientId, row);
    if (opened === undefined) emit({ type: "unreadable", grantId, provider });
    const tokens: TokenSet = opened?.tokens ?? {};
    const { refreshToken } = tokens;
    return refreshToken === undefined ? [] : [{ lateAnswerId: row.lateAnswerId, tokens: { ...tokens, refreshToken } }];
  });
}

/** A late answer with a refresh token. */
export interface LateRefreshToken {
  readonly lateAnswerId: string;
  readonly tokens: TokenSet & { readonly refreshToken: Secret };
}

/** The parent generation of an answer that came for a code: no refresh token of ours was sent for it. */
const fromCode = -1;

/**
 * Keeps a consent that covers less than its grant beside it. Where the grant's own token turns out to be dead, this one
 * may be all that is left. May be called again for the same code.
 *
 * @param scope what it covers, separated by spaces
 * @returns the id of the late answer
 */
export async function keepConsentBeside(
  context: Pick<KeeperContext, "store" | "keyring">,
  { grantId, clientId }: Pick<GrantRow, "grantId" | "clientId">,
  { tokens, receivedAt }: ReceivedTokens,
  scope: string,
  codeHash: Uint8Array,
): Promise<string> {
  const id = idOfConsent(codeHash);
  // An ID token and an access token have no use beside the grant: less of a secret is stored.
  const { accessToken: _access, idToken: _id, ...rest } = tokens;
  const beside = { tokens: { ...rest, scope }, receivedAt };
  await keepLateAnswer(context, { grantId, clientId, generation: fromCode }, beside, id);
  return id;
}

/** Whether the consent of a code is still kept beside its grant: it was neither used in the grant's place nor dropped. */
export async function isConsentBeside(
  { store }: Pick<KeeperContext, "store">,
  grantId: string,
  codeHash: Uint8Array,
): Promise<boolean> {
  return (await store.lateAnswersOf(grantId, fromCode)).some(
    ({ lateAnswerId }) => lateAnswerId === idOfConsent(codeHash),
  );
}

function idOfConsent(codeHash: Uint8Array): string {
  return `code-${Buffer.from(codeHash).toString("base64url")}`;
}

/**
 * Drops the consents beside a grant that another one covers, so that they do not pile up with each sign-in. They are
 * not revoked at the provider: that might end the grant itself.
 *
 * @param scope what is covered, separated by spaces
 * @param besides the one that stays, if there is one
 */
export async function dropCoveredConsents(
  context: Pick<KeeperContext, "store" | "keyring" | "protocols">,
  { grantId, clientId, provider }: Pick<GrantRow, "grantId" | "clientId" | "provider">,
  scope: string,
  besides?: string,
): Promise<void> {
  const { store, keyring } = context;
  for (const row of await store.lateAnswersOf(grantId, fromCode)) {
    const tokens = openLateAnswer(keyring, clientId, row)?.tokens;
    const left = lostScopes(scopesOf(tokens?.scope ?? ""), scopesOf(scope), canonicalOf(context, provider));
    if (row.lateAnswerId !== besides && left.length === 0) await store.dropLateAnswer(row.lateAnswerId);
  }
}

/** Opens a late answer; undefined where it does not open, because it is damaged or was kept beside another grant. */
export function openLateAnswer(
  keyring: Sealer,
  clientId: string,
  { grantId, lateAnswerId, parentGeneration, answerSealed }: LateAnswerRow,
): ReceivedTokens | undefined {
  const [place, placeBefore] = lateAnswerPlaces({ grantId, clientId, lateAnswerId, parentGeneration });
  const text = keyring.open(answerSealed, place) ?? keyring.open(answerSealed, placeBefore);
  return text === undefined ? undefined : fromJournal(text);
}

/**
 * Where a late answer stands; and where one stands that was sealed by a version that did not bind it to its grant. That
 * one may be the only copy of a refresh token.
 */
export function lateAnswerPlaces({
  grantId,
  clientId,
  lateAnswerId,
  parentGeneration,
}: Pick<LateAnswerRow, "grantId" | "lateAnswerId" | "parentGeneration"> & { readonly clientId: string }): readonly [
  SealedPlace,
  SealedPlace,
] {
  return [
    placeOf(clientId, `${grantId}/${lateAnswerId}`, parentGeneration),
    placeOf(clientId, lateAnswerId, parentGeneration),
  ];
}

function placeOf(clientId: string, recordId: string, generation: number): SealedPlace {
  return { clientId, column: "orphans.answer", recordId, generation };
}
