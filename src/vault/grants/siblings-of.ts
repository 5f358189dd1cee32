import { isUsable } from "../../core/grant.ts";
import { endTogether } from "../../providers/end-together.ts";
import type { Provider } from "../../providers/provider.ts";
import type { GrantRow } from "../../store/grant-row.ts";
import type { GrantStore } from "../../store/store.ts";

/** What the other grants of the same person are found by. */
export type PersonOfGrant = Pick<GrantRow, "grantId" | "clientId" | "issuer" | "subjectHash">;

/** The person's grants, in any state, that the provider ends together with this one. This one is among them. */
export async function grantsThatEndWith(
  store: Pick<GrantStore, "grantsBySubject">,
  provider: Provider,
  { clientId, issuer, subjectHash }: PersonOfGrant,
): Promise<GrantRow[]> {
  if (!provider.revocationEndsSiblings) return [];
  return (await store.grantsBySubject(subjectHash)).filter(
    (other) => other.issuer === issuer && endTogether(provider, clientId, other.clientId),
  );
}

/** The other grants that a revocation of this one would end as well. */
export async function siblingsOf(
  store: Pick<GrantStore, "grantsBySubject">,
  provider: Provider,
  grant: PersonOfGrant,
): Promise<GrantRow[]> {
  const together = await grantsThatEndWith(store, provider, grant);
  return together.filter(({ grantId, state }) => grantId !== grant.grantId && isUsable(state));
}
