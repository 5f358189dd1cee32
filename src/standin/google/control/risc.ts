import { defined } from "../../defined.ts";
import { createHash, randomUUID } from "node:crypto";
import { seconds } from "../../clock.ts";
import { defaultClientId } from "../state/clients.ts";
import { knownPerson } from "../../control/shared-actions.ts";
import { BadInput, either, listOf, oneOf, read, spelled, text, whole } from "../../input-checks.ts";
import type { Check, Spelling } from "../../input-checks.ts";
import { compact, rs256, somebodysKey } from "../../state/key-ring.ts";
import type { GoogleState } from "../state/google-state.ts";

/** What happened to an account, by the short name. The Security Event Token contains the full URI. */
export type RiscEvent =
  | "sessions-revoked"
  | "tokens-revoked"
  | "token-revoked"
  | "account-disabled"
  | "account-enabled"
  | "account-purged"
  | "account-credential-change-required"
  | "verification";

/** The vocabulary that each event belongs to. */
const vocabulary: Readonly<Record<RiscEvent, "risc" | "oauth">> = {
  "sessions-revoked": "risc",
  "tokens-revoked": "oauth",
  "token-revoked": "oauth",
  "account-disabled": "risc",
  "account-enabled": "risc",
  "account-purged": "risc",
  "account-credential-change-required": "risc",
  verification: "risc",
};

/** What is wrong with a token that a receiver must refuse. */
export type RiscFlaw = "forged" | "unknown_key";

function uriOf(type: string): string {
  return isKnown(type) ? `https://schemas.openid.net/secevent/${vocabulary[type]}/event-type/${type}` : type;
}

function isKnown(type: string): type is RiscEvent {
  return Object.hasOwn(vocabulary, type);
}

/** A short name, or the URI of an event that has none here, such as one of CAEP. */
const eventType: Check<string> = (value, name) => {
  if (typeof value === "string" && (isKnown(value) || URL.canParse(value))) return value;
  throw new BadInput(
    `${name} must be one of ${Object.keys(vocabulary).join(", ")}, or the URI of another type of event`,
  );
};

/** The Security Event Token that a test wants. */
export interface RiscSpec {
  /** What happened: a short name, or the URI of an event that has none here. */
  type: RiscEvent | (string & {});
  /** Whose account it is about. Required for every type but `verification`. */
  email?: string;
  /** For `account-disabled`: `hijacking` or `bulk-account`. */
  reason?: string;
  /** Default: the id of the built-in client. */
  aud?: string | string[];
  /** Default `https://accounts.google.com/`, with the slash that Google writes here. */
  iss?: string;
  /** For `token-revoked`: the refresh token that ended. */
  refreshToken?: string;
  /** For `token-revoked`: name the token by its first 16 characters, or by a double SHA-512 in base64. Default: the hash. */
  identifier?: "prefix" | "hash_base64_sha512_sha512";
  /** For `verification`: the state that the request for it contained. */
  state?: string;
  /** Id of the token. Default: a new one. */
  jti?: string;
  /** When the token was made, seconds since the epoch. Default: now. */
  iat?: number;
  /** `forged`: it is signed by somebody else, in the issuer's name. `unknown_key`: its header names a key that nobody publishes. */
  flaw?: RiscFlaw;
}

const shape = {
  type: eventType,
  email: text,
  reason: text,
  aud: either(text, listOf(text)),
  iss: text,
  refreshToken: text,
  identifier: oneOf("prefix", "hash_base64_sha512_sha512"),
  state: text,
  jti: text,
  iat: whole(0),
  flaw: oneOf("forged", "unknown_key"),
};

function sha512(value: string | Buffer): Buffer {
  return createHash("sha512").update(value).digest();
}

/** The name by which an event identifies a refresh token without showing it. */
export function tokenIdentifier(refreshToken: string, form: "prefix" | "hash_base64_sha512_sha512"): string {
  return form === "prefix" ? refreshToken.slice(0, 16) : sha512(sha512(refreshToken)).toString("base64");
}

/**
 * Makes a signed Security Event Token about a person, as Cross-Account Protection delivers it.
 *
 * @throws {BadInput} naming the member that is unknown, missing or wrong
 * @see {@link https://www.rfc-editor.org/rfc/rfc8417 | RFC 8417}
 */
export function securityEvent(state: GoogleState, input: unknown, spelling: Spelling): string {
  const spec = read(input, shape, spelling, ["type"]);
  const claims = {
    iss: spec.iss ?? `${state.issuer.replace(/\/$/, "")}/`,
    aud: spec.aud ?? defaultClientId,
    iat: spec.iat ?? seconds(state.clock.now()),
    jti: spec.jti ?? randomUUID(),
    events: { [uriOf(spec.type)]: eventOf(state, spec, spelling) },
  };
  const { kid } = state.keys.current;
  const key = spec.flaw === undefined ? state.keys.current : somebodysKey(state.clock.now());
  return compact({ alg: "RS256", kid: spec.flaw === "unknown_key" ? key.kid : kid }, claims, rs256(key));
}

function eventOf(state: GoogleState, spec: RiscSpec, spelling: Spelling): Record<string, unknown> {
  const { type } = spec;
  if (type === "verification") return { state: spec.state ?? "" };
  if (type === "token-revoked" && spec.refreshToken !== undefined) {
    const form = spec.identifier ?? "hash_base64_sha512_sha512";
    return {
      subject: {
        subject_type: "oauth_token",
        token_type: "refresh_token",
        token_identifier_alg: form,
        token: tokenIdentifier(spec.refreshToken, form),
      },
    };
  }
  if (spec.email === undefined) {
    const or = type === "token-revoked" ? `, or ${spelled("refreshToken", spelling)}` : "";
    throw new BadInput(`email is required${or}: an event of the type ${type} is about somebody's account`);
  }
  const person = knownPerson(state, spec.email);
  const subject = { subject_type: "iss-sub", iss: `${state.issuer.replace(/\/$/, "")}/`, sub: person.sub };
  return defined({ subject, reason: spec.reason });
}

/** `/.well-known/risc-configuration`: who issues events, and which keys sign them. */
export function riscConfiguration({ url, issuer }: Pick<GoogleState, "url" | "issuer">): Record<string, unknown> {
  return {
    issuer: `${issuer.replace(/\/$/, "")}/`,
    jwks_uri: `${url}/oauth2/v3/certs`,
    delivery_methods_supported: ["https://schemas.openid.net/secevent/risc/delivery-method/push"],
  };
}
