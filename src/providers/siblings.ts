import type { Provider } from "./provider.ts";

/**
 * Whether a provider that revokes a person's grant to one client also ends that person's grant to the other.
 *
 * @param clientId the client whose grant is revoked
 * @param other the client whose grant may end with it
 * @see {@link https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke | Google: revoking a token}
 */
export function endTogether(
  { revocationEndsSiblings, sameProject }: Pick<Provider, "revocationEndsSiblings" | "sameProject">,
  clientId: string,
  other: string,
): boolean {
  return revocationEndsSiblings && (clientId === other || (sameProject?.(clientId, other) ?? true));
}
