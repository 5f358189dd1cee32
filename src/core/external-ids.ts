/*
 * The app's own user ids by which a grant is known: who may have one, and what becomes of them at a consent.
 * How they are hashed, sealed and found does not belong here.
 */
import type { GrantState } from "./grant.ts";

/** A grant that is known by an external id. */
export interface Holder {
  readonly grantId: string;
  readonly state: GrantState;
}

/** What becomes of the external id that a consent was given for. */
export type ExternalIdClaim =
  /** The grant is known by it already. */
  | { readonly do: "nothing" }
  /** The grant gets it. Those in `from` lose it; those in `moved` were in use, and somebody asked for that. */
  | { readonly do: "take"; readonly from: readonly string[]; readonly moved: readonly string[] }
  /** It means another grant that is not over. */
  | { readonly do: "conflict"; readonly heldBy: string };

/** Whether a grant is over, or about to be, because we were told to end it. */
export function isEnded(state: GrantState): boolean {
  return state === "revoked" || state === "revoking";
}

/**
 * Decides whether a consent's grant may be known by an external id from now on. A user of the app who has connected one
 * account and now signs in with another must not have the first one replaced in silence: whoever asks by this id would
 * act on somebody else's data. A grant that was ended gives its ids up.
 *
 * @param knows whether the consent's own grant is known by it already
 * @param others the other grants of this provider and client that are known by it
 * @param move whether it was asked to take the id from them
 */
export function claimExternalId(knows: boolean, others: readonly Holder[], move: boolean): ExternalIdClaim {
  if (knows) return { do: "nothing" };
  const living = others.filter(({ state }) => !isEnded(state)).map(({ grantId }) => grantId);
  const [heldBy] = living;
  if (heldBy !== undefined && !move) return { do: "conflict", heldBy };
  return { do: "take", from: others.map(({ grantId }) => grantId), moved: living };
}

/**
 * The external ids of a grant after a consent. A grant that was ended starts anew: whoever disconnected it must not be
 * connected again by somebody else's consent.
 *
 * @param state of the grant before the consent
 * @param known the ids that it had
 * @param named the id that the consent was given for, where the grant may have it
 * @param isConflict whether the consent was given for an id that the grant may not have
 */
export function externalIdsAfter(
  state: GrantState,
  known: readonly string[],
  named: string | undefined,
  isConflict: boolean,
): readonly string[] {
  if (!isEnded(state)) return named === undefined || known.includes(named) ? known : [...known, named];
  if (named !== undefined) return [named];
  // Somebody came back without saying who: where the grant had one user alone, it is that one.
  return known.length === 1 && !isConflict ? known : [];
}
