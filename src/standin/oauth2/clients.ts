import type { JsonWebKeyInput } from "node:crypto";
import { randomBytes } from "node:crypto";
import { isLoopback } from "../state/loopback.ts";

/** A public key as a JSON Web Key (RFC 7517). */
export type PublicJwk = JsonWebKeyInput["key"];

/** How a client proves who it is (RFC 7591 section 2, `token_endpoint_auth_method`). Each client is registered for one. */
export const authenticationMethods = ["client_secret_post", "client_secret_basic", "private_key_jwt", "none"] as const;

/** One way to prove who a client is. */
export type AuthenticationMethod = (typeof authenticationMethods)[number];

/** Whether a client runs on a server or on its user's machine (RFC 7591, OpenID Connect Registration). */
export type ApplicationType = "web" | "native";

/** The grant types that there are. */
export const grantTypes = ["authorization_code", "refresh_token"] as const;

/** One way to get a token. */
export type GrantType = (typeof grantTypes)[number];

/** A registered client. */
export interface Client {
  readonly id: string;
  readonly name: string;
  readonly method: AuthenticationMethod;
  readonly secret: string | undefined;
  /** When its secret ends, milliseconds since the epoch; `Infinity`: never. */
  readonly secretEndsAt: number;
  /** What it may use at the token endpoint. */
  readonly grantTypes: readonly GrantType[];
  /** The public keys of a client that signs assertions. */
  readonly keys: readonly PublicJwk[];
  readonly redirectUris: readonly string[];
  readonly applicationType: ApplicationType;
  /** Whether every http redirect URI on a loopback address counts as registered. */
  readonly loopback: boolean;
  /** Whether the provider has forgotten it: it is then answered as one that never was. */
  readonly isDeleted: boolean;
}

export const defaultClientId = "standin-client";
export const defaultClientSecret = "standin-client-secret";
export const basicClientId = "standin-basic";
export const publicClientId = "standin-native";

/** What a test may say about a client. What it leaves out stays as it is, or gets a default. */
export interface ClientChanges {
  /** Which client to change. Default: register a new one. */
  clientId?: string;
  /** Default: a new one where the method needs one. */
  clientSecret?: string;
  /** Default `client_secret_post`. */
  tokenEndpointAuthMethod?: AuthenticationMethod;
  /** The public keys of a client that signs assertions (`private_key_jwt`): a JSON Web Key Set. */
  jwks?: { keys: PublicJwk[] };
  /** The app's name on the pages. Default `Example App`. */
  clientName?: string;
  /** Compared character by character. Default: none. */
  redirectUris?: string[];
  /** `native`: the port of a loopback redirect URI may vary (RFC 8252 section 7.3). Default `web`. */
  applicationType?: ApplicationType;
  /** Whether every http redirect URI on loopback counts as registered. Default false. */
  loopback?: boolean;
  /** What it may use at the token endpoint. Default: both. */
  grantTypes?: GrantType[];
  /** `deleted`: the provider has forgotten it. Default `enabled`. */
  state?: "enabled" | "deleted";
}

/** The clients of one stand-in. */
export class Clients {
  readonly #byId = new Map<string, Client>();

  constructor() {
    const [loopback, clientSecret] = [true, defaultClientSecret];
    this.put({ clientId: defaultClientId, clientSecret, loopback });
    this.put({ clientId: basicClientId, clientSecret, loopback, tokenEndpointAuthMethod: "client_secret_basic" });
    this.put({
      clientId: publicClientId,
      clientName: "Example App for desktops",
      tokenEndpointAuthMethod: "none",
      applicationType: "native",
      loopback,
    });
  }

  get(id: string): Client | undefined {
    const client = this.#byId.get(id);
    return client?.isDeleted === true ? undefined : client;
  }

  all(): Client[] {
    return [...this.#byId.values()];
  }

  /**
   * Registers a client, or changes the one with this id.
   *
   * @param secretEndsAt when its secret ends, milliseconds since the epoch
   */
  put(changes: ClientChanges, secretEndsAt?: number): Client {
    const known = changes.clientId === undefined ? undefined : this.#byId.get(changes.clientId);
    const client = clientOf(changes, known, secretEndsAt);
    this.#byId.set(client.id, client);
    return client;
  }
}

/** The client that these changes make of the known one, or of none. */
export function clientOf(changes: ClientChanges, known?: Client, secretEndsAt?: number): Client {
  const method = changes.tokenEndpointAuthMethod ?? known?.method ?? "client_secret_post";
  const hasSecret = method === "client_secret_post" || method === "client_secret_basic";
  return {
    id: changes.clientId ?? `client-${randomBytes(9).toString("base64url")}`,
    name: changes.clientName ?? known?.name ?? "Example App",
    method,
    secret: hasSecret ? (changes.clientSecret ?? known?.secret ?? newClientSecret()) : undefined,
    secretEndsAt: secretEndsAt ?? known?.secretEndsAt ?? Infinity,
    grantTypes: changes.grantTypes ?? known?.grantTypes ?? grantTypes,
    keys: changes.jwks?.keys ?? known?.keys ?? [],
    redirectUris: changes.redirectUris ?? known?.redirectUris ?? [],
    applicationType: changes.applicationType ?? known?.applicationType ?? "web",
    loopback: changes.loopback ?? known?.loopback ?? false,
    isDeleted: changes.state === undefined ? (known?.isDeleted ?? false) : changes.state === "deleted",
  };
}

function newClientSecret(): string {
  return `cs-${randomBytes(24).toString("base64url")}`;
}

/**
 * Whether a redirect URI is one of the client's: compared as strings (RFC 9700 section 4.1.3), but for the port of a native
 * client on loopback (RFC 8252 section 7.3).
 */
export function isRegisteredRedirect(client: Client, uri: string): boolean {
  if (client.redirectUris.includes(uri)) return true;
  if (!isLoopback(uri) || uri.includes("#")) return false;
  if (client.loopback) return true;
  const portless = withoutPort(uri);
  return client.applicationType === "native" && client.redirectUris.some((known) => withoutPort(known) === portless);
}

/** A loopback URI without its port; any other URI as it is. */
function withoutPort(uri: string): string {
  return isLoopback(uri) ? uri.replace(/^(http:\/\/(?:\[::1\]|[^:/?#]+)):\d+/i, "$1") : uri;
}
