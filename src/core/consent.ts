/*
 * What a consent means for a grant that is there already: does it take the grant's place, or is the grant kept as it is?
 * What is stored, and how, does not belong here.
 */
import { isUsable } from "./grant.ts";
import type { GrantState } from "./grant-state.ts";
import { lostScopes } from "./scopes.ts";
import type { CanonicalScopes } from "./scopes.ts";

/** What a grant holds. */
export interface HeldConsent {
  readonly state: GrantState;
  readonly scopes: readonly string[];
  /** `damaged`: there is one, and it does not open. */
  readonly refreshToken: "good" | "damaged" | "none";
  /** Whether its access token opens and has not expired. */
  readonly accessLives: boolean;
}

/** What a code has brought. */
export interface NewConsent {
  readonly scopes: readonly string[];
  /** Whether a refresh token came with it. */
  readonly offline: boolean;
}

/**
 * - `replace`: the consent takes the place of what is held.
 * - `keep`: the grant stays as it is, with its tokens and scopes. A refresh token that came is kept beside it, and the
 *   one that is held is tried at once: where it turns out to be dead, the consent takes its place after all.
 */
export type AfterConsent = "replace" | "keep";

/**
 * Decides whether a consent takes the place of what is held. It does where it covers everything that is held, and where
 * what is held is dead. Otherwise a sign-in with the usual few scopes would take from a nightly job what it lives by.
 *
 * @param canonical the provider's names of scopes
 */
export function afterConsent(held: HeldConsent, consent: NewConsent, canonical: CanonicalScopes = {}): AfterConsent {
  if (lostScopes(held.scopes, consent.scopes, canonical).length === 0) return "replace";
  return isAlive(held, consent) ? "keep" : "replace";
}

/** Whether what is held goes on working for longer than the consent would make it. */
function isAlive({ state, refreshToken, accessLives }: HeldConsent, { offline }: NewConsent): boolean {
  if (!isUsable(state)) return false;
  if (refreshToken === "good") return true;
  // An access token alone ends within the hour. A refresh token, even one for less, is worth more than that.
  return refreshToken === "none" && accessLives && !offline;
}

/** How the scopes of a grant have changed. */
export interface ScopeChange {
  /** What it covers now and did not cover before, in canonical names. */
  readonly gained: readonly string[];
  /** What it covered before and does not cover now. */
  readonly lost: readonly string[];
  /** What it has ever lost and does not cover now. */
  readonly missing: readonly string[];
}

/**
 * Compares what a grant covers before and after an answer.
 *
 * @param before `scopes`: what it covered; `missing`: what it had lost before and not got back
 * @param after what it covers now
 */
export function scopeChange(
  before: { readonly scopes: readonly string[]; readonly missing: readonly string[] },
  after: readonly string[],
  canonical: CanonicalScopes = {},
): ScopeChange {
  return {
    gained: lostScopes(after, before.scopes, canonical),
    lost: lostScopes(before.scopes, after, canonical),
    missing: lostScopes([...before.missing, ...before.scopes], after, canonical),
  };
}
