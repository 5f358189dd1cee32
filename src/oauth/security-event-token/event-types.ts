/*
 * The kinds of security events that are known: Google's and OpenID's RISC, CAEP, and those of a stream itself.
 * What an event does to a grant does not belong here.
 */

/** The short names, by the vocabulary that they belong to: what stands before `/event-type/` in the URI. */
const vocabularies = {
  risc: [
    "sessions-revoked",
    "account-credential-change-required",
    "account-purged",
    "account-disabled",
    "account-enabled",
    "identifier-changed",
    "identifier-recycled",
    "credential-compromise",
    "opt-in",
    "opt-out-initiated",
    "opt-out-cancelled",
    "opt-out-effective",
    "recovery-activated",
    "recovery-information-changed",
    "verification",
  ],
  oauth: ["tokens-revoked", "token-revoked"],
  caep: [
    "session-revoked",
    "token-claims-change",
    "credential-change",
    "assurance-level-change",
    "device-compliance-change",
    "session-established",
    "session-presented",
    "risk-level-change",
  ],
  ssf: ["verification", "stream-updated"],
} as const;

/** What happened, by its short name. */
export type SecurityEventType = (typeof vocabularies)[keyof typeof vocabularies][number];

const byUri: ReadonlyMap<string, SecurityEventType> = new Map(
  Object.entries(vocabularies).flatMap(([vocabulary, names]) =>
    names.map((name) => [`https://schemas.openid.net/secevent/${vocabulary}/event-type/${name}`, name] as const),
  ),
);

/** Every short name. */
export const securityEventTypes: readonly SecurityEventType[] = [...new Set(byUri.values())];

/**
 * The short name of an event's URI; undefined for one that nobody here knows.
 *
 * @see https://openid.net/specs/openid-risc-1_0.html#section-2
 * @see https://openid.net/specs/openid-caep-1_0.html#section-3
 */
export function eventTypeOf(uri: string): SecurityEventType | undefined {
  return byUri.get(uri);
}

/** The URIs of an event by its short name: `verification` has two. */
export function urisOf(type: SecurityEventType): readonly string[] {
  return [...byUri].flatMap(([uri, name]) => (name === type ? [uri] : []));
}
