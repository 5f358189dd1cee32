import type { Grant, Vault } from "../../../index.ts";
import { defined } from "../../../core/defined.ts";
import { grantBody } from "../json-bodies.ts";

/** What an operator needs of a grant. Names and pictures of people are not among it. */
export function shownGrant(grant: Grant): Record<string, unknown> {
  const { profile: _profile, ...body } = grantBody(grant);
  return { ...body, ...defined({ email: grant.profile.email }) };
}

/** Whether a grant belongs to a client that is configured here. */
export function isOurs({ providers }: Pick<Vault, "providers">, { provider, clientId }: Grant): boolean {
  return providers.some((each) => each.provider.name === provider && each.clientId === clientId);
}
