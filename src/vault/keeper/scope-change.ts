import { scopeChange } from "../../core/consent.ts";
import type { ScopeChange } from "../../core/consent.ts";
import { scopesOf } from "../../core/grant.ts";
import type { CanonicalScopes } from "../../core/scopes.ts";
import type { GrantRow } from "../../store/grant-row.ts";
import type { KeeperContext } from "./context.ts";

type Scopes = Pick<GrantRow, "provider" | "scope" | "lostScope">;

/** The provider's names of scopes; none where the provider is not configured here. */
export function canonicalOf({ protocols }: Pick<KeeperContext, "protocols">, provider: string): CanonicalScopes {
  return protocols.get(provider)?.provider.canonicalScopes ?? {};
}

/**
 * How the scopes of a grant change with an answer.
 *
 * @param scope what it covers from then on, separated by spaces
 */
export function changeOf(
  context: Pick<KeeperContext, "protocols">,
  { provider, scope: before, lostScope }: Scopes,
  scope: string,
): ScopeChange {
  const held = { scopes: scopesOf(before), missing: scopesOf(lostScope) };
  return scopeChange(held, scopesOf(scope), canonicalOf(context, provider));
}

/** Tells by an event that a grant covers more or less than before. Somebody has to know before a nightly job does. */
export function tellScopeChange(
  context: Pick<KeeperContext, "protocols" | "emit">,
  grant: Scopes & Pick<GrantRow, "grantId">,
  scope: string,
): void {
  const { grantId, provider } = grant;
  const { gained, lost } = changeOf(context, grant, scope);
  if (gained.length > 0 || lost.length > 0) {
    context.emit({ type: "scopes_changed", grantId, provider, gained, lost });
  }
}
