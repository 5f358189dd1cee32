import { isUsable } from "../../../core/grant.ts";
import type { Provider } from "../../../providers/provider.ts";
import { endTogether } from "../../../providers/siblings.ts";
import type { GrantRow } from "../../../store/store.ts";
import type { KeeperContext } from "../../context.ts";

/** What leads to the others of the same person. */
type Person = Pick<GrantRow, "grantId" | "clientId" | "issuer" | "subjectHash">;

/**
 * Suspects the grants that a confirmed revocation may have ended as well: at Google, all of the same person with any
 * client of the project, and this very one, if it was consented to anew meanwhile. None of them is blamed: the next use
 * asks the provider first, and only its answer counts.
 *
 * @returns their ids
 */
export async function suspectSiblings(
  { store, clock }: KeeperContext,
  provider: Provider,
  person: Person,
): Promise<string[]> {
  const suspected: string[] = [];
  for (const { grantId, state } of await grantsThatEndWith(store, provider, person)) {
    if (isUsable(state) && (await store.markSuspect(grantId, clock.now()))) suspected.push(grantId);
  }
  return suspected;
}

/**
 * Suspects a grant whose new tokens were asked for before a revocation that they may have ended with was over: it was
 * not there to be suspected when {@link suspectSiblings} looked.
 *
 * @param askedAt when the tokens were asked for, milliseconds since the epoch
 * @param before the grant as it stood before these tokens
 */
export async function suspectIfRevokedSince(
  { store, clock }: KeeperContext,
  provider: Provider,
  grant: Person,
  askedAt: number,
  before?: GrantRow,
): Promise<void> {
  const others = await grantsThatEndWith(store, provider, grant);
  const own = provider.revocationEndsSiblings && before !== undefined ? [before] : [];
  const isOver = ({ state, stateSince }: GrantRow): boolean => state === "revoked" && stateSince > askedAt;
  if ([...others, ...own].some(isOver)) await store.markSuspect(grant.grantId, clock.now());
}

/** The person's grants that the provider ends with this one; it is among them. */
async function grantsThatEndWith(
  store: KeeperContext["store"],
  provider: Provider,
  { clientId, issuer, subjectHash }: Person,
): Promise<GrantRow[]> {
  if (!provider.revocationEndsSiblings) return [];
  return (await store.grantsBySubject(subjectHash)).filter(
    (other) => other.issuer === issuer && endTogether(provider, clientId, other.clientId),
  );
}
