import type { Provider } from "./provider.ts";

/**
 * Whether a provider that revokes a person's grant to one client also ends that person's grant to the other.
 *
 * @param clientId the client whose grant is revoked
 * @param other the client whose grant may end with it
 * @see {@link https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke | Google: revoking a token}
 */
export function endTogether(
  { revocationEndsSiblings, clientProject }: Pick<Provider, "revocationEndsSiblings" | "clientProject">,
  clientId: string,
  other: string,
): boolean {
  if (!revocationEndsSiblings) return false;
  if (clientId === other || clientProject === undefined) return true;
  const project = clientProject.exec(clientId)?.[1];
  return project !== undefined && clientProject.exec(other)?.[1] === project;
}
