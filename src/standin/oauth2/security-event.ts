import { randomUUID } from "node:crypto";
import { seconds } from "../clock.ts";
import { knownPerson } from "../control/shared-actions.ts";
import { defined } from "../defined.ts";
import { BadInput, either, listOf, oneOf, read, text, whole } from "../input-checks.ts";
import type { Check, Spelling } from "../input-checks.ts";
import { compact, rs256, somebodysKey } from "../state/key-ring.ts";
import { accountOf } from "./account.ts";
import type { OAuth2State } from "./oauth2-state.ts";
import { ssfEventNames, ssfEventUris } from "./ssf-event-types.ts";
import type { SsfEvent } from "./ssf-event-types.ts";

/** The Security Event Token that a test wants. */
export interface SsfSpec {
  /** What happened: a short name, or the URI of any other event. */
  type: SsfEvent | (string & {});
  /** Whose account it is about. Required for every type but `verification` and `stream-updated`. */
  email?: string;
  /** The members that the event has besides. Default: `event_timestamp` alone. */
  event?: Readonly<Record<string, unknown>>;
  /** Default: the audience of the streams. */
  aud?: string | string[];
  /** Id of the token. Default: a new one. */
  jti?: string;
  /** When the token was made, seconds since the epoch. Default: now. */
  iat?: number;
  /** `forged`: it is signed by somebody else, in the issuer's name. `unknown_key`: its header names a key that nobody publishes. */
  flaw?: "forged" | "unknown_key";
}

const eventType: Check<string> = (value, name) => {
  if (typeof value === "string" && (ssfEventUris.has(value) || URL.canParse(value))) return value;
  throw new BadInput(`${name} must be one of ${ssfEventNames.join(", ")}, or the URI of another type of event`);
};

const members: Check<Readonly<Record<string, unknown>>> = (value, name) => {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new BadInput(`${name} must be an object`);
};

const shape = {
  type: eventType,
  email: text,
  event: members,
  aud: either(text, listOf(text)),
  jti: text,
  iat: whole(0),
  flaw: oneOf("forged", "unknown_key"),
};

/**
 * Makes a signed Security Event Token about a person, as a transmitter of the Shared Signals Framework delivers it.
 *
 * @throws {BadInput} naming the member that is unknown, missing or wrong
 * @see {@link https://openid.net/specs/openid-sharedsignals-framework-1_0.html | OpenID Shared Signals Framework 1.0}
 */
export function ssfEvent(state: OAuth2State, input: unknown, spelling: Spelling): string {
  const spec = read(input, shape, spelling, ["type"]);
  const { type, email, event = {}, flaw } = spec;
  if (email === undefined && type !== "verification" && type !== "stream-updated") {
    throw new BadInput(`email is required: an event of the type ${type} is about somebody's account`);
  }
  const person = email === undefined ? undefined : accountOf(knownPerson(state, email));
  const now = seconds(state.clock.now());
  const subject =
    person === undefined
      ? { format: "opaque", id: state.ssf.stream?.id ?? "" }
      : { format: "iss_sub", iss: state.issuer, sub: String(person.id) };
  const claims = defined({
    iss: state.issuer,
    aud: spec.aud ?? state.ssf.audience,
    iat: spec.iat ?? now,
    jti: spec.jti ?? randomUUID(),
    sub_id: subject,
    events: {
      [ssfEventUris.get(type) ?? type]: { ...(person === undefined ? {} : { event_timestamp: now }), ...event },
    },
  });
  const { current } = state.ssf.keys;
  const key = flaw === undefined ? current : somebodysKey(state.clock.now());
  const kid = flaw === "unknown_key" ? key.kid : current.kid;
  return compact({ alg: "RS256", kid, typ: "secevent+jwt" }, claims, rs256(key));
}
