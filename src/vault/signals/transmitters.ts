/* Who is trusted to send security events, and about whose clients. */
import type { JWTVerifyGetKey } from "jose";
import { boundedFetchDefaults } from "../../oauth/bounded-fetch.ts";
import type { BoundedFetch } from "../../oauth/bounded-fetch.ts";
import { Jwks } from "../../oauth/jwks.ts";
import type { Protocol } from "../../oauth/protocol.ts";
import type { Transmitter } from "../../oauth/security-event-token/verify.ts";
import { isRecent } from "../../core/recorded-time.ts";
import { configurationUrls } from "../../core/transmitter-configuration.ts";
import { firstDocument, unavailable } from "../../oauth/server-document.ts";
import { endTogether } from "../../providers/end-together.ts";
import type { Provider } from "../../providers/provider.ts";
import type { VaultContext } from "../context.ts";

/** How long the keys may take to come, milliseconds: a transmitter waits for them. */
const keysWithinMs = 10_000;
/**
 * In this time an address of a transmitter's is asked twice at most, milliseconds: when the first event comes, and where the next one
 * has an unknown key. Who sends events needs no key: while a transmitter is down, each forged one would make us ask.
 */
const asksWithinMs = 1_000;

/** Signatures that anybody can verify and only the issuer can make: with a shared secret, we could. */
const algorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];

/** A transmitter with the providers that it speaks for. */
export interface TrustedTransmitter extends Transmitter {
  readonly protocols: readonly Protocol[];
}

export type Transmitters = ReadonlyMap<string, TrustedTransmitter>;

/** The transmitters of all providers, by each `iss` that they have. Two providers of one issuer share one. */
export function transmittersOf({
  protocols,
  fetch,
  clock,
}: Pick<VaultContext, "protocols" | "fetch" | "clock">): Transmitters {
  const http = { ...boundedFetchDefaults, fetch: atIntervals(fetch, clock), timeoutMs: keysWithinMs };
  const byIssuer = new Map<string, TrustedTransmitter & { readonly protocols: Protocol[] }>();
  for (const protocol of protocols.values()) {
    const { signals } = protocol.provider;
    if (signals === undefined) continue;
    const known = byIssuer.get(signals.issuer);
    if (known !== undefined) {
      known.protocols.push(protocol);
      continue;
    }
    const { issuer, alsoIssuedAs = [], jwksUri, isTypOptional = false } = signals;
    const speaksFor = [protocol];
    const getKey =
      jwksUri === undefined ? discoveredKeys(issuer, http, clock) : new Jwks(jwksUri, issuer, http, clock).getKey;
    const transmitter = {
      issuer,
      getKey,
      algorithms,
      isTypOptional,
      protocols: speaksFor,
      isOurs: (audience: string) => speaksFor.some((each) => concerns(each, audience)),
    };
    for (const name of [issuer, ...alsoIssuedAs]) byIssuer.set(name, transmitter);
  }
  return byIssuer;
}

/**
 * Whether an event for this audience is for a provider's client: it names the client, what the provider's record says that
 * its transmitter calls us, or another client of the same project, whose tokens end together with ours.
 */
export function concerns({ provider, client: { clientId } }: Protocol, audience: string): boolean {
  if ([provider.signals?.audience ?? []].flat().includes(audience)) return true;
  if (clientId === "") return false;
  return audience === clientId || (hasProjects(provider) && endTogether(provider, clientId, audience));
}

function hasProjects({ clientProject }: Provider): boolean {
  return clientProject !== undefined;
}

/** Asks each address so often at most, however it answered. */
function atIntervals(fetch: VaultContext["fetch"], clock: VaultContext["clock"]): VaultContext["fetch"] {
  const asked = new Map<string, { readonly last: number; readonly before: number }>();
  return async (url, init) => {
    const address = new Request(url).url;
    const now = clock.now();
    const { last, before } = asked.get(address) ?? { last: -Infinity, before: -Infinity };
    if (isRecent(before, now, asksWithinMs)) {
      throw Object.assign(new Error("the address was asked a moment ago"), { code: "asked_a_moment_ago" });
    }
    asked.set(address, { last: now, before: last });
    return fetch(url, init);
  };
}

/**
 * Keys at the address that the transmitter's own configuration names. It is read once, when the first event comes.
 *
 * @see https://openid.net/specs/openid-sharedsignals-framework-1_0.html#section-7.2
 */
function discoveredKeys(issuer: string, http: BoundedFetch, clock: VaultContext["clock"]): JWTVerifyGetKey {
  let keys: Promise<Jwks> | undefined;
  return async (header, token) => {
    keys ??= jwksUriOf(issuer, http).then((uri) => new Jwks(uri, issuer, http, clock));
    const reading = keys;
    const { getKey } = await reading.catch((error: unknown) => {
      if (keys === reading) keys = undefined;
      throw error;
    });
    return getKey(header, token);
  };
}

async function jwksUriOf(issuer: string, http: BoundedFetch): Promise<string> {
  const [url, older] = configurationUrls(issuer);
  const isItsOwn = (members: Readonly<Record<string, unknown>>): boolean =>
    members["issuer"] === issuer && typeof members["jwks_uri"] === "string";
  const found = await firstDocument([url, older], issuer, http, isItsOwn);
  if (found.kind === "document") return String(found.members["jwks_uri"]);
  throw unavailable(found.tried, issuer, "it names no keys of this issuer: set jwks_uri of its signals");
}
