import { isUsable } from "../../core/grant.ts";
import type { Provider } from "../../providers/provider.ts";
import { grantsThatEndWith } from "../grants/siblings-of.ts";
import type { PersonOfGrant } from "../grants/siblings-of.ts";
import type { KeeperContext } from "./context.ts";

/**
 * Makes the usable grants `suspect` that a confirmed revocation may have ended as well. At Google these are all grants
 * of the same person with any client of the project, and the revoked grant itself where the person consented again
 * meanwhile. No grant lapses by this: its next use asks the provider first, and only the provider's answer counts.
 *
 * @returns the ids of the grants that became suspect
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
