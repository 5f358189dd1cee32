import { knownPerson } from "../control/shared-actions.ts";
import { defined } from "../defined.ts";
import { address, BadInput, listOf, oneOf, read, text, words, yesNo } from "../input-checks.ts";
import type { Check, Spelling } from "../input-checks.ts";
import { accountOf } from "./account.ts";
import { authenticationMethods, defaultClientId, grantTypes, isRegisteredRedirect } from "./clients.ts";
import type { AuthenticationMethod, Client, ClientChanges, PublicJwk } from "./clients.ts";
import type { OAuth2State } from "./oauth2-state.ts";
import { resourceFlaw } from "./resource.ts";
import { readOAuth2Settings } from "./settings.ts";
import type { OAuth2Settings } from "./settings.ts";

// What a test can do to a stand-in of the kinds oauth2 and mcp, in both spellings.

/**
 * Changes how the provider behaves.
 *
 * @returns all settings, after the change
 * @throws {BadInput} naming the member that is unknown or out of range
 */
export function changeSettings(state: OAuth2State, input: unknown, spelling: Spelling): OAuth2Settings {
  Object.assign(state.settings, readOAuth2Settings(input, spelling));
  return { ...state.settings };
}

/** The code that a test wants: as a redirect would bring it, without the pages in between. */
export interface OAuth2CodeSpec {
  /** Who signs in. An address that nobody has yet becomes a new person. */
  email: string;
  /** The client that will exchange the code. Default: the built-in one. */
  clientId?: string;
  /** The scopes that the app asks for. Default: those of a request that names none. */
  scope?: string | readonly string[];
  /** The scopes that the person leaves ticked. Default: all of them. */
  grantedScopes?: string | readonly string[];
  /** The URI of the authorization request, which the exchange must repeat. Default: that request named none. */
  redirectUri?: string;
  /** The PKCE challenge of the authorization request, of the method S256. Default: none. */
  codeChallenge?: string;
  /** The resources of the authorization request (RFC 8707). Default: its own, in the kind `mcp`; else none. */
  resource?: string | readonly string[];
}

/** A code, and what it covers. */
export interface OAuth2IssuedCode {
  readonly code: string;
  readonly scope: string;
  readonly email: string;
  readonly id: number;
  readonly login: string;
}

const codeShape = {
  email: address,
  clientId: text,
  scope: words,
  grantedScopes: words,
  redirectUri: text,
  codeChallenge: text,
  resource: words,
};

/**
 * Issues a code.
 *
 * @throws {BadInput} naming the member that is unknown, missing or wrong
 */
export function issueCode(state: OAuth2State, input: unknown, spelling: Spelling): OAuth2IssuedCode {
  const spec = read(input, codeShape, spelling, ["email"]);
  const client = knownClient(state, spec.clientId ?? defaultClientId);
  if (spec.redirectUri !== undefined && !isRegisteredRedirect(client, spec.redirectUri)) {
    throw new BadInput(`the redirect URI ${spec.redirectUri} is not registered for the client ${client.id}`);
  }
  const resources = spec.resource ?? state.resources;
  const flaw = resourceFlaw(state, resources);
  if (flaw !== undefined) throw new BadInput(flaw);
  const person = state.people.findOrCreate(spec.email);
  const asked = spec.scope ?? state.defaultScopes;
  const scopes = asked.filter((scope) => spec.grantedScopes?.includes(scope) ?? true);
  const code = state.codes.issue({
    authorization: state.ledger.consent(person, client.id, scopes),
    clientId: client.id,
    scopes,
    redirectUri: spec.redirectUri,
    challenge: spec.codeChallenge,
    resources,
  });
  return { code: code.value, scope: scopes.join(" "), email: person.email, ...accountOf(person) };
}

function knownClient(state: OAuth2State, id: string): Client {
  const client = state.clients.get(id);
  if (client === undefined) throw new BadInput(`there is no client with the id ${JSON.stringify(id)}`);
  return client;
}

const keySet: Check<{ keys: PublicJwk[] }> = (value, name) => {
  const keys: unknown = typeof value === "object" && value !== null && "keys" in value ? value.keys : undefined;
  if (Array.isArray(keys) && keys.every((key) => typeof key === "object" && key !== null)) {
    return { keys: keys as PublicJwk[] };
  }
  throw new BadInput(`${name} must be a JSON Web Key Set: an object with a list named keys`);
};

const clientShape = {
  clientId: text,
  clientSecret: text,
  tokenEndpointAuthMethod: oneOf(...authenticationMethods),
  jwks: keySet,
  clientName: text,
  redirectUris: listOf(text),
  applicationType: oneOf("web", "native"),
  loopback: yesNo,
  grantTypes: listOf(oneOf(...grantTypes)),
  state: oneOf("enabled", "deleted"),
};

/** A registered client, as a test sees it. */
export interface OAuth2ClientView {
  readonly clientId: string;
  /** Absent where its method needs none. */
  readonly clientSecret?: string;
  readonly tokenEndpointAuthMethod: AuthenticationMethod;
  readonly clientName: string;
  readonly redirectUris: readonly string[];
  readonly applicationType: Client["applicationType"];
  readonly loopback: boolean;
  readonly grantTypes: readonly string[];
  readonly state: "enabled" | "deleted";
}

export function viewOf(client: Client): OAuth2ClientView {
  const { id, secret, method, name, redirectUris, applicationType, loopback } = client;
  const state: OAuth2ClientView["state"] = client.isDeleted ? "deleted" : "enabled";
  return defined({
    clientId: id,
    clientSecret: secret,
    tokenEndpointAuthMethod: method,
    clientName: name,
    redirectUris,
    applicationType,
    loopback,
    grantTypes: client.grantTypes,
    state,
  });
}

/**
 * Registers a client, or changes the one with this id.
 *
 * @throws {BadInput} naming the member that is unknown or wrong
 */
export function putClient(state: OAuth2State, input: unknown, spelling: Spelling): OAuth2ClientView {
  const changes: ClientChanges = read(input, clientShape, spelling);
  return viewOf(state.clients.put(changes));
}

/** What a test may say about a person. */
export interface OAuth2PersonSpec {
  /** Whose account it is. An address that nobody has yet becomes a new person. */
  email: string;
  name?: string;
}

/** Creates a person, or changes the one with this address. */
export function putPerson(
  state: OAuth2State,
  input: unknown,
  spelling: Spelling,
): { id: number; login: string; email: string } {
  const { email, ...changes } = read(input, { email: address, name: text }, spelling, ["email"]);
  Object.assign(state.people.findOrCreate(email), changes);
  const person = knownPerson(state, email);
  return { ...accountOf(person), email: person.email };
}
