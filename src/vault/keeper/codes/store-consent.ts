import { randomBytes } from "node:crypto";
import { OnbehalfError, isOnbehalfError } from "../../../core/errors.ts";
import { afterConsent } from "../../../core/consent.ts";
import type { HeldConsent } from "../../../core/consent.ts";
import { isUsable, scopesOf } from "../../../core/grant.ts";
import type { Profile } from "../../../core/grant.ts";
import type { GrantState } from "../../../core/grant-state.ts";
import { identityMac, resultMac, subjectHash } from "../../../crypto/keyring.ts";
import type { Sealer } from "../../../crypto/keyring.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import { scopeAfter, withheldScope, withAnyRefreshToken } from "../../../oauth/token-set.ts";
import type { ReceivedTokens } from "../../../oauth/token-set.ts";
import type { Provider } from "../../../providers/provider.ts";
import { endTogether } from "../../../providers/end-together.ts";
import { newGrant } from "../../../store/new-grant.ts";
import type { GrantRow } from "../../../store/grant-row.ts";
import type { KeeperContext } from "../context.ts";
import { idTokenMissing, otherAccount } from "../../errors/code-rejected.ts";
import { ifReadable } from "../../errors/grant-unreadable.ts";
import { assertIdentity, openAccessToken, openPerson, sealPerson } from "../../grants/sealed-grant.ts";
import { claimFor, tellClaim } from "./claim-external-id.ts";
import type { Claim } from "./claim-external-id.ts";
import { holdAnswer } from "./hold-answer.ts";
import { grantOf, isOtherPerson } from "./intake.ts";
import { coversMoreThan, lookAtHeld } from "./look-at-held.ts";
import type { AskedOfSignIn } from "./intake.ts";
import { quarantine } from "./quarantine.ts";
import { identify } from "./renew-answer.ts";
import type { Renew } from "./renew-answer.ts";
import { dropCoveredConsents, keepConsentBeside, keepOtherRefreshTokens } from "../late-answers.ts";
import { canonicalOf, changeOf, tellScopeChange } from "../scope-change.ts";
import { endsOf, livingAccess, openRefreshToken, sealTokens } from "../sealed-tokens.ts";

/**
 * Verifies who signed in, and stores the grant, or holds it. The answer must be in the journal already.
 *
 * @param renew gets another access token where the one of the answer has ended; absent: the sign-in then waits
 * @throws {OnbehalfError} `id_token_invalid`: no grant is stored, and what was issued is revoked, unless that might end
 *   another grant, or our own clock or settings are wrong
 * @throws {OnbehalfError} `code_rejected`: the provider will not say who has consented; nothing is stored or revoked. Or somebody
 *   else has than was meant; nothing is stored, and what was issued is revoked, unless that might end another grant
 * @throws {OnbehalfError} `provider_unavailable`: the keys or the person's id could not be read; `configuration_invalid`: the
 *   provider's discovery document is wrong; `store_unavailable`. The answer stays in the journal
 */
export async function verifyAndStore(
  context: KeeperContext,
  protocol: Protocol,
  codeHash: Uint8Array,
  asked: AskedOfSignIn,
  received: ReceivedTokens,
  renew?: Renew,
): Promise<GrantRow | "held"> {
  const { externalId, account, moveExternalId, scopes: requestedScopes, hold, end } = asked;
  const { nonce, isNonceOptional, isNonceUnknown } = asked;
  const { tokens, isOtherCode, profile } = received;
  const { idToken, accessToken } = tokens;
  // What came in our future was written down by a clock that has been put right since.
  const receivedAt = Math.min(received.receivedAt, context.clock.now());
  // To say who has consented may take a refresh: what came of it is then what is kept, or revoked.
  let latest = received;
  try {
    const isByIdToken = (protocol.provider.identity ?? "id_token") === "id_token";
    if (isByIdToken && idToken === undefined) throw idTokenMissing();
    const isVerifiable = profile === undefined && idToken !== undefined && isByIdToken;
    const known = { nonce, isNonceOptional, isNonceUnknown, accessToken, receivedAt, isOtherCode };
    const who = isVerifiable ? await protocol.verifyIdToken(idToken, known) : profile;
    const identified =
      who === undefined
        ? await identify(protocol, { ...received, receivedAt }, asked, renew)
        : { ...received, receivedAt, profile: who };
    latest = identified;
    if (isOtherPerson(asked, identified.profile)) throw otherAccount(protocol.provider.name);
    if (hold !== undefined && end === undefined) return await holdAnswer(context, protocol, codeHash, hold, identified);
    const consent = { ...identified, requestedScopes, externalId, account, moveExternalId };
    return await storeConsent(context, protocol, codeHash, consent);
  } catch (error) {
    if (!isOnbehalfError(error, "id_token_invalid") && !isOnbehalfError(error, "code_rejected")) throw error;
    throw await quarantine(context, protocol, codeHash, latest, error);
  }
}

/** A verified answer of the token endpoint: who consented to what. */
export interface Consent extends ReceivedTokens {
  readonly profile: Profile;
  readonly externalId?: string | undefined;
  readonly account?: string | undefined;
  readonly moveExternalId?: boolean | undefined;
  readonly requestedScopes: readonly string[];
  /** A refresh token that the app got elsewhere has brought it, and no code. */
  readonly isDeposit?: true | undefined;
}

/** A new grant that the app names by no id of its own. */
const noClaim: Claim = { decision: { do: "nothing" }, externalIds: [] };

/** How often the write is tried where other writers come first each time, before it fails with `store_unavailable`. */
const rounds = 20;

/**
 * Stores a consent as the person's grant: as a new grant, or as a new generation of the one that is there. A consent
 * without a refresh token leaves the stored one in place: providers send one only when they show the consent page.
 *
 * @returns the grant as it is then: where a consent for less was kept beside it, after a look at what is held
 * @throws {OnbehalfError} `external_id_conflict`: the label means another account of the user; the consent is stored
 *   without it
 * @throws {OnbehalfError} `store_unavailable`: the store does not answer, or the grant changed too often meanwhile
 * @throws {OnbehalfError} `grant_unreadable`: the row that was found for the person may be somebody else's
 */
export async function storeConsent(
  context: KeeperContext,
  protocol: Protocol,
  codeHash: Uint8Array,
  given: Consent,
): Promise<GrantRow> {
  const { store, keyring } = context;
  const { provider, client } = protocol;
  const { isDeposit } = given;
  const hash = subjectHash(keyring, provider.issuer, given.profile.sub);
  let isAgain = false;
  for (let round = 0; round < rounds; round++) {
    const existing = (await store.grantsBySubject(hash)).find(({ clientId }) => clientId === client.clientId);
    if (existing !== undefined) assertOwn(context, existing);
    const holds = existing !== undefined && existing.refreshSealed !== null && isUsable(existing.state);
    const consent = holds ? given : { ...given, tokens: withAnyRefreshToken(given.tokens) };
    const hasIds = existing !== undefined || consent.externalId !== undefined;
    const claim = hasIds ? await claimFor(context, protocol, existing, consent.profile.sub, consent) : noClaim;
    const row =
      existing === undefined
        ? newRow(context, protocol, hash, consent, claim)
        : await rowAfter(context, existing, consent, claim, codeHash);
    const result = resultMac(keyring, codeHash, row.grantId, row.updatedAt);
    if (await store.saveFromIntake(row, existing ?? null, codeHash, claim.change, result, { isAgain, isDeposit })) {
      if (consent.tokens.otherRefreshTokens !== undefined) {
        await keepOtherRefreshTokens(context, { ...row, generation: row.generation - 1 }, consent);
      }
      await afterStoring(context, provider, row, consent.receivedAt, existing);
      if (existing !== undefined) tellScopeChange(context, baselineOf(existing), row.scope);
      // Only a consent that takes the place of what is held begins a new generation.
      const isBeside = consent.tokens.refreshToken !== undefined && row.generation === existing?.generation;
      const { row: settled, isRefreshed } = isBeside ? await lookAtHeld(context, row) : { row, isRefreshed: false };
      // The look has shown that what is held covers less than was noted, as where a sign-in without a refresh token had
      // added scopes. Then the consent takes its place after all: the person has just granted what is missing.
      isAgain = isRefreshed && (await coversMoreThan(context, settled, consent, codeHash));
      if (isAgain) continue;
      if (hasIds) tellClaim(context, settled, claim);
      return settled;
    }
    // Another process took this one for dead and stored the answer. The grant may have been refreshed since.
    const intake = await store.intakeByCode(codeHash);
    const stored = isAgain || intake === undefined ? undefined : await grantOf(context, intake);
    if (stored !== undefined) return stored;
  }
  throw new OnbehalfError("store_unavailable", "the grant kept changing while the consent was stored", {
    hint: "nothing was lost: send the same code again",
    details: { retryAfterMs: 1_000 },
  });
}

/**
 * Stores a person's first grant without the journal, where all that has to be known is at hand: the provider's keys are in
 * memory, and nothing is held. Nobody is asked, so that the answer waits for its commit no longer than it would for that of the
 * journal.
 *
 * @returns undefined: nothing was stored, and the answer goes into the journal before anything else is done with it.
 *   Otherwise the grant is stored, and the function does what is left to do
 * @throws {OnbehalfError} `store_unavailable`: it may be stored
 */
export async function storeAtOnce(
  context: KeeperContext,
  protocol: Protocol,
  codeHash: Uint8Array,
  asked: AskedOfSignIn,
  received: ReceivedTokens,
): Promise<(() => Promise<GrantRow>) | undefined> {
  const { store, keyring, clock } = context;
  const { provider } = protocol;
  const { tokens, isOtherCode } = received;
  const { nonce, isNonceOptional, isNonceUnknown, hold, externalId, account, moveExternalId, scopes } = asked;
  const { idToken, accessToken, refreshToken, otherRefreshTokens } = tokens;
  const isByIdToken = (provider.identity ?? "id_token") === "id_token" && idToken !== undefined;
  if (!isByIdToken || hold !== undefined || otherRefreshTokens !== undefined) return undefined;
  // Most providers send one only to somebody who is new to them.
  if (refreshToken === undefined) return undefined;
  const receivedAt = Math.min(received.receivedAt, clock.now());
  const known = { nonce, isNonceOptional, isNonceUnknown, accessToken, receivedAt, isOtherCode };
  const profile = await protocol.verifyAtHand?.(idToken, known);
  if (profile === undefined || isOtherPerson(asked, profile)) return undefined;
  const hash = subjectHash(keyring, provider.issuer, profile.sub);
  const names = { externalId, account, moveExternalId };
  const consent = { tokens, receivedAt, profile, requestedScopes: scopes, ...names };
  const claim = externalId === undefined ? noClaim : await claimFor(context, protocol, undefined, profile.sub, names);
  const row = newRow(context, protocol, hash, consent, claim);
  const result = resultMac(keyring, codeHash, row.grantId, row.updatedAt);
  // It is not stored where this person has a grant: to ask for that before would have the answer wait for a read.
  const how = { from: "spending" } as const;
  if (!(await store.saveFromIntake(row, null, codeHash, claim.change, result, how))) return undefined;
  return async () => {
    await afterStoring(context, provider, row, receivedAt, undefined);
    if (externalId !== undefined) tellClaim(context, row, claim);
    return row;
  };
}

/**
 * Looks whether a consent that is stored was ended meanwhile, and tells of it.
 *
 * @param askedAt when its tokens were asked for, milliseconds since the epoch
 * @param before the grant as it stood before these tokens
 */
async function afterStoring(
  context: KeeperContext,
  provider: Provider,
  row: GrantRow,
  askedAt: number,
  before: GrantRow | undefined,
): Promise<void> {
  await suspectIfRevokedSince(context, provider, row, askedAt, before);
  const { grantId, refreshSealed } = row;
  context.emit({ type: "grant_stored", grantId, provider: provider.name, offline: refreshSealed !== null });
}

/** Refuses a row that may be somebody else's, and tells of it. The answer stays in the journal. */
function assertOwn({ keyring, emit }: KeeperContext, row: GrantRow): void {
  try {
    assertIdentity(keyring, row);
  } catch (error) {
    emit({ type: "unreadable", grantId: row.grantId, provider: row.provider });
    throw error;
  }
}

function newRow(
  { keyring, clock, endsSoonMs }: KeeperContext,
  { provider, client }: Protocol,
  hash: Buffer,
  { tokens, receivedAt, profile, requestedScopes }: Consent,
  { externalIds }: Claim,
): GrantRow {
  const scope = scopeAfter(tokens, undefined, requestedScopes);
  const now = clock.now();
  const identity = { grantId: `g_${randomBytes(16).toString("base64url")}`, clientId: client.clientId };
  const { name, issuer } = provider;
  return {
    ...identity,
    identityMac: identityMac(keyring, { ...identity, provider: name, issuer, subjectHash: hash }),
    ...sealTokens({ keyring, endsSoonMs }, identity, 1, { tokens, receivedAt }, { scope, lostScope: "" }, undefined),
    provider: name,
    issuer,
    subjectHash: hash,
    profileSealed: sealPerson(keyring, identity, { profile, externalIds }),
    ...newGrant,
    consentedAt: now,
    withheldScope: withheldScope(requestedScopes, scope, provider.canonicalScopes),
    stateSince: now,
    createdAt: now,
    updatedAt: now,
  };
}

/** The row of a grant after a consent: with it in place of what is held, or as it is, with the consent beside it. */
async function rowAfter(
  context: KeeperContext,
  existing: GrantRow,
  consent: Consent,
  claim: Claim,
  codeHash: Uint8Array,
): Promise<GrantRow> {
  const { tokens, receivedAt, requestedScopes } = consent;
  const scope = scopeAfter(tokens, existing.scope, requestedScopes);
  // Nobody has asked for the scopes of a deposited token. Where nobody says what it covers, it takes no grant's place.
  const isUnknown = consent.isDeposit === true && scopeAfter(tokens, undefined, requestedScopes) === "";
  const offered = { scopes: isUnknown ? [] : scopesOf(scope), offline: tokens.refreshToken !== undefined };
  const held = heldBy(context.keyring, existing, receivedAt);
  if (afterConsent(held, offered, canonicalOf(context, existing.provider)) === "replace") {
    await dropCoveredConsents(context, existing, scope);
    return nextRow(context, existing, consent, claim, scope);
  }
  if (offered.offline) {
    // Before the grant is stored: that ends the intake, and with it the only other copy of this refresh token.
    const covered = offered.scopes.join(" ");
    const id = await keepConsentBeside(context, existing, consent, covered, codeHash);
    await dropCoveredConsents(context, existing, covered, id);
  }
  return {
    ...existing,
    identityMac: identityMac(context.keyring, existing),
    profileSealed: profileAfter(context, existing, consent, claim),
    ...withoutDamagedAccess(context.keyring, existing, receivedAt),
    updatedAt: context.clock.now(),
  };
}

/** Takes an access token that does not open out of a row, so that the next use refreshes it and does not fail on it. */
function withoutDamagedAccess(keyring: Sealer, row: GrantRow, at: number): Partial<GrantRow> {
  const opens = row.accessSealed === null || ifReadable(() => openAccessToken(keyring, row)) !== undefined;
  return opens ? {} : { accessSealed: null, accessExpiresAt: at };
}

/** What a grant holds, as far as it opens. */
function heldBy(keyring: Sealer, row: GrantRow, at: number): HeldConsent {
  const opens = ifReadable(() => openRefreshToken(keyring, row)) !== undefined;
  return {
    state: row.state,
    scopes: scopesOf(row.scope),
    refreshToken: row.refreshSealed === null ? "none" : opens ? "good" : "damaged",
    accessLives: livingAccess(keyring, row, at) !== undefined,
  };
}

/** What a consent is compared with: a grant that we ended covers nothing, so that nothing of it can be lost. */
function baselineOf(row: GrantRow): GrantRow {
  return row.state === "revoked" || row.state === "revoking" ? { ...row, scope: "", lostScope: "" } : row;
}

function profileAfter(
  { keyring, emit }: KeeperContext,
  existing: GrantRow,
  { profile }: Consent,
  { externalIds }: Claim,
): GrantRow["profileSealed"] {
  const known = ifReadable(() => openPerson(keyring, existing));
  // What did not open is replaced, since the person is here again; the event says that it was.
  if (known === undefined) emit({ type: "unreadable", grantId: existing.grantId, provider: existing.provider });
  return sealPerson(keyring, existing, { profile: { ...known?.profile, ...profile }, externalIds });
}

function nextRow(context: KeeperContext, existing: GrantRow, consent: Consent, claim: Claim, scope: string): GrantRow {
  const { keyring, clock } = context;
  const { tokens, receivedAt } = consent;
  const now = clock.now();
  // The refresh token of a grant that has lapsed or was revoked is dead. To keep it would promise access that it cannot
  // give. The token of a grant that is being revoked is kept, because the provider must still be told to revoke it.
  const keeps = tokens.refreshToken === undefined && (isUsable(existing.state) || existing.state === "revoking");
  const alive = keeps ? ifReadable(() => openRefreshToken(keyring, existing)) : undefined;
  // Without a new refresh token the generation stays the same, so that a refresh that is under way can still commit.
  const generation = existing.generation + (tokens.refreshToken === undefined ? 0 : 1);
  const lostScope = changeOf(context, baselineOf(existing), scope).missing.join(" ");
  const kept =
    alive === undefined
      ? undefined
      : {
          refreshToken: alive,
          ends: endsOf(existing),
          access: livingAccess(keyring, existing, receivedAt),
        };
  const state = tokens.refreshToken === undefined ? withoutRefreshToken(existing.state) : "active";
  const provider = context.protocols.get(existing.provider)?.provider;
  return {
    ...existing,
    // One that brought no refresh token says nothing of the age of the one that is kept.
    consentedAt: keeps && alive !== undefined ? existing.consentedAt : now,
    withheldScope: withheldScope(consent.requestedScopes, scope, provider?.canonicalScopes),
    identityMac: identityMac(keyring, existing),
    ...sealTokens(context, existing, generation, { tokens, receivedAt }, { scope, lostScope }, kept),
    profileSealed: profileAfter(context, existing, consent, claim),
    state,
    reason: null,
    stateSince: existing.state === state ? existing.stateSince : now,
    generation,
    ...(tokens.refreshToken === undefined
      ? {}
      : { lastError: null, lastErrorAt: null, lastErrorSays: null, failures: 0, retryAt: null }),
    // A look is about the refresh token that is kept.
    lookAt: keeps ? existing.lookAt : null,
    updatedAt: now,
  };
}

/**
 * The state after a sign-in that brought no refresh token. It proves nothing about the stored one: a grant that is
 * `suspect` stays so, because the provider may have replaced its token. A revocation that is under way goes on, because
 * it ends the new access token, too.
 */
function withoutRefreshToken(state: GrantState): GrantState {
  return state === "suspect" || state === "revoking" ? state : "active";
}

/**
 * Makes a new consent `suspect` where a revocation may have ended its tokens: they were asked for before the revocation
 * was over. The revocation itself could not do so, because the grant was not there yet, or not usable.
 *
 * @param askedAt when the tokens were asked for, milliseconds since the epoch
 * @param before the grant as it stood before these tokens
 */
async function suspectIfRevokedSince(
  { store, clock }: KeeperContext,
  provider: Provider,
  grant: GrantRow,
  askedAt: number,
  before: GrantRow | undefined,
): Promise<void> {
  if (!provider.revocationEndsSiblings) return;
  const isOver = ({ state, stateSince }: GrantRow): boolean => state === "revoked" && stateSince > askedAt;
  const others = (await store.grantsBySubject(grant.subjectHash)).filter(
    (other) => isOver(other) && other.issuer === grant.issuer && endTogether(provider, grant.clientId, other.clientId),
  );
  if (others.length > 0 || (before !== undefined && isOver(before))) {
    await store.markSuspect(grant.grantId, clock.now());
  }
}
