import { randomBytes } from "node:crypto";
import { defined } from "../../../core/defined.ts";
import { OnbehalfError } from "../../../core/errors.ts";
import { isUsable } from "../../../core/grant.ts";
import type { GrantState, Profile } from "../../../core/grant.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import type { ReceivedTokens } from "../../../oauth/token-set.ts";
import type { Provider } from "../../../providers/provider.ts";
import { endTogether } from "../../../providers/end-together.ts";
import { newGrant } from "../../../store/new-grant.ts";
import type { GrantRow } from "../../../store/store.ts";
import type { KeeperContext } from "../context.ts";
import { ifReadable } from "../../errors/grant-unreadable.ts";
import { externalHash, openPerson, sealPerson, subjectHash } from "../../grants/sealed-grant.ts";
import { openRefreshToken, sealTokens } from "../sealed-tokens.ts";

/** A verified answer of the token endpoint: who consented, and to what. */
export interface Consent extends ReceivedTokens {
  readonly profile: Profile;
  readonly externalId?: string;
  readonly requestedScopes: readonly string[];
}

/** Rounds of losing against other writers before giving up; each loss means that somebody else's write went in. */
const rounds = 20;

/**
 * Stores a consent as the person's grant: a new one, or a new generation of the one there is.
 * A consent without a refresh token leaves the stored one in place: providers send one only when consent is shown.
 *
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function storeConsent(
  context: KeeperContext,
  protocol: Protocol,
  codeHash: Uint8Array,
  consent: Consent,
): Promise<GrantRow> {
  const { store, keyring, clock, emit } = context;
  const { provider, client } = protocol;
  const hash = subjectHash(keyring, provider.issuer, consent.profile.sub);
  for (let round = 0; round < rounds; round++) {
    const existing = (await store.grantsBySubject(hash)).find(({ clientId }) => clientId === client.clientId);
    const row =
      existing === undefined
        ? newRow(context, protocol, hash, consent)
        : nextRow(context, existing, consent, clock.now());
    if (await store.saveFromIntake(row, existing ?? null, codeHash)) {
      await suspectIfRevokedSince(context, provider, row, consent.receivedAt, existing);
      emit({
        type: "grant_stored",
        grantId: row.grantId,
        provider: provider.name,
        offline: row.refreshSealed !== null,
      });
      return row;
    }
  }
  throw new OnbehalfError("store_unavailable", "the grant kept changing while the consent was stored", {
    hint: "nothing was lost: send the same code again",
    details: { retryAfterMs: 1_000 },
  });
}

function newRow(
  { keyring, clock }: KeeperContext,
  { provider, client }: Protocol,
  hash: Buffer,
  { tokens, receivedAt, profile, externalId, requestedScopes }: Consent,
): GrantRow {
  const now = clock.now();
  const identity = { grantId: `g_${randomBytes(16).toString("base64url")}`, clientId: client.clientId };
  const columns = sealTokens(keyring, identity, 1, { tokens, receivedAt }, undefined);
  return {
    ...identity,
    ...columns,
    // RFC 6749 section 5.1: an answer without scope grants what was asked for.
    scope: tokens.scope ?? requestedScopes.join(" "),
    provider: provider.name,
    issuer: provider.issuer,
    subjectHash: hash,
    externalHash: externalId === undefined ? null : externalHash(keyring, externalId),
    profileSealed: sealPerson(keyring, identity, { profile, ...defined({ externalId }) }),
    ...newGrant,
    stateSince: now,
    createdAt: now,
    updatedAt: now,
  };
}

function nextRow(
  { keyring }: KeeperContext,
  existing: GrantRow,
  { tokens, receivedAt, profile, externalId, requestedScopes }: Consent,
  now: number,
): GrantRow {
  // A refresh token of a grant that has lapsed or was revoked is dead: keeping it would promise what cannot be held.
  // One that is being revoked is still to be shown to the provider.
  const keeps = tokens.refreshToken === undefined && (isUsable(existing.state) || existing.state === "revoking");
  const alive = keeps ? ifReadable(() => openRefreshToken(keyring, existing)) : undefined;
  // Without a new refresh token the generation stays: a refresh that is under way must still find its own.
  const generation = existing.generation + (tokens.refreshToken === undefined ? 0 : 1);
  const scope = tokens.scope ?? (requestedScopes.length > 0 ? requestedScopes.join(" ") : existing.scope);
  const kept = alive === undefined ? undefined : { refreshToken: alive, expiresAt: existing.refreshExpiresAt, scope };
  const state = tokens.refreshToken === undefined ? withoutRefreshToken(existing.state) : "active";
  const known = ifReadable(() => openPerson(keyring, existing));
  const person = {
    profile: { ...known?.profile, ...profile },
    ...defined({ externalId: externalId ?? known?.externalId }),
  };
  return {
    ...existing,
    ...sealTokens(keyring, existing, generation, { tokens, receivedAt }, kept),
    scope,
    profileSealed: sealPerson(keyring, existing, person),
    externalHash: externalId === undefined ? existing.externalHash : externalHash(keyring, externalId),
    state,
    reason: null,
    stateSince: existing.state === state ? existing.stateSince : now,
    generation,
    ...(tokens.refreshToken === undefined ? {} : { lastError: null, lastErrorAt: null, failures: 0, retryAt: null }),
    updatedAt: now,
  };
}

/**
 * A sign-in that brought no refresh token proves less than one that did: a swallowed token stays swallowed, and a
 * disconnect that is under way goes on, for it ends this access token, too.
 */
function withoutRefreshToken(state: GrantState): GrantState {
  return state === "suspect" || state === "revoking" ? state : "active";
}

/**
 * Suspects a grant whose tokens were asked for before a revocation was over that may have ended them: the grant was not
 * there yet, or not usable, when the revocation suspected the others.
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
