import type { GrantRef } from "../../core/grant.ts";
import type { Reach } from "../../core/reach.ts";

/**
 * The reference that means the same, of what is in reach alone, so that nothing has to be opened; undefined where only
 * the grant itself tells. The provider of a grant's id is not known from it.
 */
export function directReference(reach: Reach, ref: GrantRef): GrantRef | undefined {
  if (typeof ref === "string" || "grantId" in ref) {
    return reach.hasGrantId(typeof ref === "string" ? ref : ref.grantId) ? ref : undefined;
  }
  const inReach = "externalId" in ref ? reach.hasExternalId(ref.externalId) : reach.isAll;
  if (!inReach) return undefined;
  const { providers } = reach;
  if (providers === undefined) return ref;
  if (ref.provider !== undefined) return providers.has(ref.provider) ? ref : undefined;
  const [only] = providers;
  return providers.size === 1 && only !== undefined ? { ...ref, provider: only } : undefined;
}
