/** The events that have a short name here, by their vocabulary. */
const vocabularies = {
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
  risc: [
    "account-credential-change-required",
    "account-purged",
    "account-disabled",
    "account-enabled",
    "credential-compromise",
  ],
  ssf: ["verification", "stream-updated"],
} as const;

/** What happened, by its short name. */
export type SsfEvent = (typeof vocabularies)[keyof typeof vocabularies][number];

/** The URIs of the events, by their short names. */
export const ssfEventUris: ReadonlyMap<string, string> = new Map(
  Object.entries(vocabularies).flatMap(([vocabulary, names]) =>
    names.map((name) => [name, `https://schemas.openid.net/secevent/${vocabulary}/event-type/${name}`] as const),
  ),
);

/** Every event that a stream can have. */
export const eventsSupported: readonly string[] = [...ssfEventUris.values()];

/** Every short name. */
export const ssfEventNames: readonly string[] = [...ssfEventUris.keys()];
