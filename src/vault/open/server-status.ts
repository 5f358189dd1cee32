import { assertFits, required } from "../../core/argument-checks.ts";
import { defined } from "../../core/defined.ts";
import { isOnbehalfError } from "../../core/errors.ts";
import { registrationPlace } from "../../crypto/places.ts";
import type { MasterKeySource } from "../../crypto/master-key.ts";
import { masterKeysOf } from "../../crypto/master-key.ts";
import { openKeyring } from "../../crypto/wrapped-keys.ts";
import { readAuthorizationServer } from "../../oauth/authorization-server.ts";
import type { AuthorizationServer } from "../../oauth/authorization-server.ts";
import { boundedFetchDefaults } from "../../oauth/bounded-fetch.ts";
import type { BoundedFetch } from "../../oauth/bounded-fetch.ts";
import { readProtectedResource } from "../../oauth/protected-resource.ts";
import { outboundFetch } from "../../outbound/outbound-fetch.ts";
import type { Provider } from "../../providers/provider.ts";
import type { Store } from "../../store/store.ts";
import { keptOf } from "./kept-client.ts";
import type { KeptClient } from "./kept-client.ts";
import { sendersFor } from "./sender.ts";

/** Which client is kept for an MCP server. Nothing in it is secret. */
export interface KeptClientStatus {
  /** `given`: by the record. `document`: its id is the address of our document. `registered`: by the server. */
  readonly kind: "given" | "document" | "registered";
  readonly clientId: string;
  /** Its authorization server. */
  readonly issuer: string;
  readonly redirectUri?: string;
  /** When its secret ends. Absent: never, or it has none. */
  readonly secretEndsAt?: Date;
}

/** What an MCP server says of itself, and who we are there. */
export interface ServerStatus {
  /** Where its metadata was read. */
  readonly metadataUrl: string;
  readonly resource: string;
  readonly scopes?: readonly string[];
  /** The issuers that it names, in its order, each with what is wrong with it. */
  readonly authorizationServers: readonly { readonly issuer: string; readonly problem?: string }[];
  /** The first that works. Absent: none does. */
  readonly issuer?: string;
  /** Whether that one registers clients by itself. */
  readonly registers: boolean;
  /** Whether that one takes the address of a document for a client's id. */
  readonly takesDocuments: boolean;
  /** Absent: nobody has needed a client yet, or no store was given. `unreadable`: what is kept does not open. */
  readonly client?: KeptClientStatus | "unreadable";
}

const aServer = required({
  fits: (value) => typeof value === "object" && value !== null && "server" in value && typeof value.server === "string",
  must: "the record of an MCP server, as mcpServer() returns it",
});

/**
 * Goes the way from an MCP server's URL to a client there, as a sign-in would, and changes nothing: no client is registered.
 *
 * @param provider the record of the server
 * @param options.store a store that is open, and `keyring` its master keys: to tell which client is kept
 * @param options.fetch what sends the requests; as in `openVault`
 * @throws {OnbehalfError} `invalid_request`: the record is none of an MCP server
 * @throws {OnbehalfError} `provider_unavailable`: the server's metadata cannot be read
 * @throws {OnbehalfError} `configuration_invalid`: its metadata is wrong
 * @throws {OnbehalfError} `key_invalid`, `store_unavailable`, `store_unusable`
 */
export async function serverStatus(
  provider: Provider,
  options: { readonly store?: Store; readonly keyring?: MasterKeySource; readonly fetch?: typeof fetch } = {},
): Promise<ServerStatus> {
  assertFits("provider", provider, aServer);
  const { name, server = "" } = provider;
  const { store, keyring } = options;
  const client = store === undefined || keyring === undefined ? undefined : await keptIn(store, keyring, provider);
  const http: BoundedFetch = {
    ...boundedFetchDefaults,
    ...sendersFor(provider, { fetch: options.fetch ?? outboundFetch() }),
  };
  const { url, resource, scopes, authorizationServers, isOld } = await readProtectedResource(server, name, http);
  const read = await Promise.all(authorizationServers.map((issuer) => tried(issuer, http, isOld)));
  const working = read.find((each): each is AuthorizationServer => "document" in each);
  return defined({
    metadataUrl: url,
    resource,
    scopes,
    authorizationServers: read.map((each) => ("document" in each ? { issuer: each.issuer } : each)),
    issuer: working?.issuer,
    registers: typeof working?.document["registration_endpoint"] === "string",
    takesDocuments: working?.document["client_id_metadata_document_supported"] === true,
    client,
  });
}

async function tried(
  issuer: string,
  http: BoundedFetch,
  isOld: boolean | undefined,
): Promise<AuthorizationServer | { readonly issuer: string; readonly problem: string }> {
  try {
    return await readAuthorizationServer(issuer, http, isOld);
  } catch (error) {
    if (!isOnbehalfError(error)) throw error;
    return { issuer, problem: error.message };
  }
}

async function keptIn(
  store: Store,
  source: MasterKeySource,
  { name, server = "" }: Provider,
): Promise<KeptClientStatus | "unreadable" | undefined> {
  const row = await store.registeredClient(name, server);
  if (row === undefined || row.registrationSealed === null) return undefined;
  const stored = await store.readKeys();
  if (stored === undefined) return "unreadable";
  const keyring = openKeyring(stored.instance, stored.keys, await masterKeysOf(source), ["refresh"]);
  const text = keyring.open(row.registrationSealed, registrationPlace(name, server, row.clientId));
  return text === undefined ? "unreadable" : statusOf(keptOf(text));
}

function statusOf({ kind, client, issuer, redirectUri, secretExpiresAt }: KeptClient): KeptClientStatus {
  return defined({
    kind,
    clientId: client.clientId,
    issuer,
    redirectUri,
    secretEndsAt: secretExpiresAt === undefined ? undefined : new Date(secretExpiresAt),
  });
}
