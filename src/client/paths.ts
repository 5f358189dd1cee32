/** Addresses at the service. */
import { assertGrantRef } from "../core/argument-checks.ts";
import { defined } from "../core/defined.ts";
import { OnbehalfError, invalidRequest } from "../core/errors.ts";
import type { GrantRef } from "../core/grant.ts";

/**
 * The address of a grant, with the query that settles which one is meant.
 *
 * @param end what follows it, such as `/token`
 * @param query further parameters
 * @throws {OnbehalfError} `invalid_request`: it is no reference; `grant_not_found`: no grant can have this id
 */
export function grantPath(ref: GrantRef, end = "", query: Readonly<Record<string, string | undefined>> = {}): string {
  assertGrantRef(ref);
  const { name, provider, account } = partsOf(ref);
  const all = new URLSearchParams();
  for (const [key, value] of Object.entries({ provider, account, ...query })) {
    if (value !== undefined) all.set(key, wellFormed(value));
  }
  return `/v1/grants/${name}${end}${all.size === 0 ? "" : `?${all.toString()}`}`;
}

interface Parts {
  readonly name: string;
  readonly provider?: string | undefined;
  readonly account?: string | undefined;
}

function partsOf(ref: GrantRef): Parts {
  if (typeof ref === "string") return { name: idOf(ref) };
  if ("grantId" in ref) return { name: idOf(ref.grantId) };
  const { provider, account } = ref;
  const named = "subject" in ref ? `sub:${encoded(ref.subject)}` : `ext:${encoded(ref.externalId)}`;
  return { name: named, provider, account };
}

/** A reference as parameters of a query, such as `grant=ext:user-42`. */
export function grantQuery(ref: GrantRef): Record<string, string> {
  assertGrantRef(ref);
  if (typeof ref === "string") return { grant: idOf(ref) };
  if ("grantId" in ref) return { grant: idOf(ref.grantId) };
  const { provider, account } = ref;
  const grant = "subject" in ref ? `sub:${wellFormed(ref.subject)}` : `ext:${wellFormed(ref.externalId)}`;
  return { grant, ...defined({ provider, account }) };
}

/** The id itself: `ext:user-42` as an id must not become a user's name on the way. */
function idOf(grantId: string): string {
  if (/^g_[A-Za-z0-9_-]{1,64}$/.test(grantId)) return grantId;
  throw new OnbehalfError("grant_not_found", "no such grant", {
    hint: "check the reference; a grant's id begins with g_, and users of the app are named by { externalId }",
    details: {},
  });
}

function encoded(value: string): string {
  return encodeURIComponent(wellFormed(value));
}

/** Half a character has no place in an address. In its place would come another one, which could name somebody else. */
function wellFormed(value: string): string {
  if (value.isWellFormed()) return value;
  throw invalidRequest(
    "a reference must be text without half characters",
    "give the id as it came; a cut through a character leaves a lone surrogate",
    "ref",
  );
}
