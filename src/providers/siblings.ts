import type { Provider } from "./provider.ts";

/**
 * Whether a provider ends what a person granted to one client when what they granted to another one is revoked.
 *
 * @see https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke
 */
export function endTogether(
  { revocationEndsSiblings, sameProject }: Pick<Provider, "revocationEndsSiblings" | "sameProject">,
  clientId: string,
  other: string,
): boolean {
  return revocationEndsSiblings && (clientId === other || (sameProject?.(clientId, other) ?? true));
}
