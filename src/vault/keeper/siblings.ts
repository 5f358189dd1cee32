import { isUsable } from "../../core/grant.ts";
import type { Provider } from "../../providers/provider.ts";
import type { GrantRow } from "../../store/store.ts";
import { grantsThatEndWith } from "../grants/siblings-of.ts";
import type { PersonOfGrant } from "../grants/siblings-of.ts";
import type { KeeperContext } from "./context.ts";

/**
 * Suspects the grants that a confirmed revocation may have ended as well: at Google, all of the same person with any
 * client of the project, and this very one, if the person consented anew meanwhile. No grant is blamed: its next use
 * asks the provider first, and only the provider's answer counts.
 *
 * @returns their ids
 */
export async function suspectSiblings(
  { store, clock }: KeeperContext,
  provider: Provider,
  person: PersonOfGrant,
): Promise<string[]> {
  const suspected: string[] = [];
  for (const { grantId, state } of await grantsThatEndWith(store, provider, person)) {
    if (isUsable(state) && (await store.markSuspect(grantId, clock.now()))) suspected.push(grantId);
  }
  return suspected;
}

/**
 * Suspects a grant whose new tokens were asked for before a revocation was over that may have ended them: the tokens
 * were not there to be suspected when {@link suspectSiblings} looked.
 *
 * @param askedAt when the tokens were asked for, milliseconds since the epoch
 * @param before the grant as it stood before these tokens
 * @returns whether the grant is suspect now
 */
export async function suspectIfRevokedSince(
  { store, clock }: KeeperContext,
  provider: Provider,
  grant: PersonOfGrant,
  askedAt: number,
  before?: GrantRow,
): Promise<boolean> {
  const others = await grantsThatEndWith(store, provider, grant);
  const own = provider.revocationEndsSiblings && before !== undefined ? [before] : [];
  const isOver = ({ state, stateSince }: GrantRow): boolean => state === "revoked" && stateSince > askedAt;
  return [...others, ...own].some(isOver) && (await store.markSuspect(grant.grantId, clock.now()));
}
