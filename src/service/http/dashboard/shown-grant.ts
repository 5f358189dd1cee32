import type { Grant, Vault } from "../../../index.ts";
import { defined } from "../../../core/defined.ts";
import { reasons } from "../../../core/diagnosis/reasons.ts";
import type { Reason, ReasonWords } from "../../../core/diagnosis/reasons.ts";
import { grantBody } from "../json-bodies.ts";

/** What an operator needs of a grant. Names and pictures of people are not among it. */
export function shownGrant(grant: Grant): Record<string, unknown> {
  const { profile: _profile, ...body } = grantBody(grant);
  return { ...body, ...defined({ email: grant.profile.email, means: wordsOf(grant.reason)?.means }) };
}

/** What a reason means and what to do about it, whichever grant has it; undefined where none is, or where it is not one of a grant. */
export function wordsOf(reason: string | undefined): ReasonWords | undefined {
  return reason !== undefined && Object.hasOwn(reasons, reason) ? reasons[reason as Reason] : undefined;
}

/** Whether a grant belongs to a client that is configured here. */
export function isOurs({ providers }: Pick<Vault, "providers">, { provider, clientId }: Grant): boolean {
  return providers.some((each) => each.provider.name === provider && each.clientId === clientId);
}
