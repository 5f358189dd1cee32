/*
 * The app's own user ids by which a grant is known, and the labels that tell the accounts of one user apart: who may have
 * one, and what becomes of them at a consent. How they are hashed, sealed and found does not belong here.
 */
import type { Tie } from "./grant.ts";
import type { GrantState } from "./grant-state.ts";

/** Another grant that is known by an external id. */
export interface Holder {
  readonly grantId: string;
  readonly state: GrantState;
  /** The label under which that user knows it. Undefined where the grant does not open: it is none that is asked for. */
  readonly account: string | undefined;
}

/** What a consent says of the app's users. */
export interface Named {
  readonly externalId: string;
  /** The label that was given. Undefined: none was. */
  readonly account?: string | undefined;
  /** Whether the id, or the label of it that is given, may be taken from other grants that are in use. */
  readonly move: boolean;
}

/** What becomes of the external id that a consent was given for. */
export type ExternalIdClaim =
  /** The grant is known by it already, or nobody was named. */
  | { readonly do: "nothing" }
  /**
   * The grant is known by `tie` from now on, also where it was by another label of the same id. Those in `from` lose the
   * id; those in `moved` were in use, and somebody asked for that.
   */
  | { readonly do: "take"; readonly tie: Tie; readonly from: readonly string[]; readonly moved: readonly string[] }
  /** The label means another account of this user, whose grant is not over. */
  | { readonly do: "conflict"; readonly heldBy: string; readonly account: string };

/** Whether a grant is over, or about to be, because we were told to end it. */
export function isEnded(state: GrantState): boolean {
  return state === "revoked" || state === "revoking";
}

/** The label of an account that the provider does not name, where the app gives none. */
export const onlyAccount = "default";

/**
 * The subject of a grant at a provider that says nothing of who consents. It has the provider's name, because two records
 * may name the same server: one for each workspace, say. The accounts of one user are told apart by their labels alone.
 */
export function subjectOfExternalId(provider: string, externalId: string, account: string = onlyAccount): string {
  // Neither a provider's name nor a label that is written so has a ":" or a "/", so that no two of these are alike.
  const label = account.replace(/[%:/]/g, (character) =>
    character === "%" ? "%25" : character === ":" ? "%3A" : "%2F",
  );
  return account === onlyAccount ? `${provider}:${externalId}` : `${provider}/${label}:${externalId}`;
}

/**
 * The subject of a grant whose person a provider could name and does not, such as one whose token covers no sign-in. An
 * issuer's own subjects are ASCII (OpenID Connect Core section 2), so that none can be taken for it.
 */
export function subjectOfDeposit(provider: string, externalId: string, account?: string): string {
  return `§${subjectOfExternalId(provider, externalId, account)}`;
}

/** The label of an account for which the app gives none: the provider's subject, unless that was made of the user's id. */
export function defaultAccount(provider: string, externalId: string, subject: string): string {
  const isMade =
    subject === subjectOfExternalId(provider, externalId) || subject === subjectOfDeposit(provider, externalId);
  return isMade ? onlyAccount : subject;
}

/**
 * Decides by which external id and label a consent's grant is known from now on. Each account that a user connects is a
 * grant of its own beside the others. But a label that means one account of a user must not mean another in silence:
 * whoever asks by it would act on somebody else's data. A grant that was ended gives its ids up.
 *
 * @param known the label by which this user knows the consent's own grant; undefined: not at all
 * @param byDefault its label where neither the consent nor the user has one: {@link defaultAccount}
 * @param others the other grants of this provider and client that are known by the id
 */
export function claimExternalId(
  { externalId, account: given, move }: Named,
  known: string | undefined,
  byDefault: string,
  others: readonly Holder[],
): ExternalIdClaim {
  const account = given ?? known ?? byDefault;
  const living = others.filter(({ state }) => !isEnded(state));
  const holders = living.filter((other) => other.account === account);
  // Without a label, the user is to have this account alone.
  const moved = !move ? [] : given === undefined ? living : holders;
  if (known === account && moved.length === 0) return { do: "nothing" };
  const [holder] = holders;
  if (holder !== undefined && !move) return { do: "conflict", heldBy: holder.grantId, account };
  const from = others.filter((other) => isEnded(other.state) || moved.includes(other));
  return {
    do: "take",
    tie: { externalId, account },
    from: from.map(({ grantId }) => grantId),
    moved: moved.map(({ grantId }) => grantId),
  };
}

/**
 * By what a grant is known after a consent. A grant that was ended starts anew: whoever disconnected it must not be
 * connected again by somebody else's consent.
 *
 * @param state of the grant before the consent
 * @param known by what it was known
 * @param named by what the consent was given for, where the grant may have it
 * @param isConflict whether the consent was given for what the grant may not have
 */
export function tiesAfter(
  state: GrantState,
  known: readonly Tie[],
  named: Tie | undefined,
  isConflict: boolean,
): readonly Tie[] {
  if (!isEnded(state)) {
    if (named === undefined) return known;
    const isKnown = known.some(({ externalId }) => externalId === named.externalId);
    return isKnown ? known.map((tie) => (tie.externalId === named.externalId ? named : tie)) : [...known, named];
  }
  if (named !== undefined) return [named];
  // Somebody came back without saying who: where the grant had one user alone, it is that one.
  return known.length === 1 && !isConflict ? known : [];
}
