import { isUsable } from "../../core/grant.ts";
import type { Provider } from "../../providers/provider.ts";
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
