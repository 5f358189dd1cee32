/** What the matrix needs of a provider: to start it, with answers that leave out members, and to sign in at it. */
import { createHash, generateKeyPairSync, randomBytes } from "node:crypto";
import type { MovableClock, Provider } from "../../src/index.ts";
import type { ClientAuthenticationMethod } from "../../src/providers/provider.ts";

/** A member that answers of a token endpoint may lack. */
export type Member = "id_token" | "expires_in" | "refresh_token" | "scope";

/** What one cell of the table asks of a provider. */
export interface Case {
  readonly authentication: ClientAuthenticationMethod;
  /** What its answers lack. */
  readonly without: ReadonlySet<Member>;
}

/** A provider that runs. */
export interface RunningProvider {
  readonly record: Provider;
  /** Where people sign in. */
  readonly authorizationEndpoint: string;
  /** What is asked for. */
  readonly scopes: readonly string[];
  /** What the answer says was granted, where that differs from what was asked for. */
  readonly granted?: readonly string[];
  /** Further parameters of the authorization request. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Who the person is to the provider. */
  readonly subject: string;
  /** Whether it wants a PKCE challenge. */
  readonly pkce: boolean;
  /** Members that are taken out of its answers on their way, because it cannot leave them out by itself. */
  readonly takenOut: ReadonlySet<Member>;
  stop(): Promise<void>;
}

/** A provider of the table. */
export interface Harness {
  readonly name: string;
  /** The ways in which its clients authenticate. */
  readonly authentications: readonly ClientAuthenticationMethod[];
  /** Why a case cannot be; undefined: it can. */
  impossible?(wanted: Case): string | undefined;
  start(wanted: Case, clock: MovableClock): Promise<RunningProvider>;
}

export const clientId = "matrix-client";
export const clientSecret = "matrix-secret-of-32-characters-00";
export const redirectUri = "http://127.0.0.1:9/callback";

const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
/** The client's key, for `private_key_jwt`. */
export const privateKey = pair.privateKey.export({ type: "pkcs8", format: "pem" });
export const publicJwk = {
  ...pair.publicKey.export({ format: "jwk" }),
  alg: "ES256",
  use: "sig",
  kid: "c",
};

/** A client of a record, by how it authenticates. */
export function clientOf(authentication: ClientAuthenticationMethod): {
  readonly clientId: string;
  readonly clientSecret?: string;
  readonly privateKey?: string;
  readonly clientAuthentication?: ClientAuthenticationMethod;
} {
  if (authentication === "none") return { clientId };
  if (authentication === "private_key_jwt") return { clientId, privateKey };
  return { clientId, clientSecret, clientAuthentication: authentication };
}

/** A verifier of PKCE with its challenge (RFC 7636). */
export function pkcePair(): { readonly verifier: string; readonly challenge: string } {
  const verifier = randomBytes(32).toString("base64url");
  return { verifier, challenge: createHash("sha256").update(verifier).digest("base64url") };
}
