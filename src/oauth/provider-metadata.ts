import { isNamedBy, issuerHint, shownIssuer } from "../core/issuer.ts";
import { defined } from "../core/defined.ts";
import type { Client, ClientAuthenticationMethod, Endpoints, Provider } from "../providers/provider.ts";
import { listedMethod, recordedMethod } from "./client-authentication.ts";
import { isConfidential } from "../core/confidential-url.ts";

/** How a provider is spoken with. */
export interface Metadata {
  /** The authorization server's own identifier, as its document gives it. Undefined: there is no document. */
  readonly issuer?: string;
  /** What a sign-in should ask for that names no scopes itself. Undefined: nothing is known of that. */
  readonly scopes?: readonly string[];
  /** Whether its document lists the scope `offline_access`. Undefined: it does not. */
  readonly offersOfflineAccess?: boolean;
  /** Whether its redirects carry `iss` (RFC 9207). Undefined: it does not say so. */
  readonly sendsIssuer?: boolean;
  readonly endpoints: Endpoints;
  /** How our client authenticates at the token endpoint. */
  readonly authentication: ClientAuthenticationMethod;
  /** How it does so at the revocation endpoint. */
  readonly revocationAuthentication: ClientAuthenticationMethod;
  /** JWS algorithms of ID tokens that both the provider's record and its document name. */
  readonly idTokenAlgorithms: readonly string[];
}

/** Something in a document that we cannot work with, and what to do about it. */
export interface MetadataProblem {
  /** What follows "the discovery document of …". */
  readonly problem: string;
  readonly hint: string;
}

/** What a provider's record says by itself, where no document is read. */
export function recordedMetadata(provider: Provider, client: Client, endpoints: Endpoints): Metadata {
  const authentication = recordedMethod(provider, client);
  return {
    endpoints,
    authentication,
    revocationAuthentication: authentication,
    idTokenAlgorithms: provider.idTokenAlgorithms,
  };
}

/** What we need of a provider's record to read its document. */
export type DocumentReader = Pick<
  Provider,
  "name" | "issuer" | "alsoIssuedAs" | "endpointsBeside" | "clientAuthentication" | "idTokenAlgorithms" | "identity"
>;

/**
 * Reads a discovery document. A member that is null counts as absent.
 *
 * @returns the metadata, or everything in the document that keeps us from working with it
 * @see https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata
 * @see https://www.rfc-editor.org/rfc/rfc8414#section-2
 */
export function metadataOf(
  document: Readonly<Record<string, unknown>>,
  provider: DocumentReader,
  client: Client,
): Metadata | { readonly problems: readonly [MetadataProblem, ...MetadataProblem[]] } {
  const problems: MetadataProblem[] = [];
  checkIssuer(document, provider, problems);
  const { endpointsBeside: beside = {}, identity = "id_token" } = provider;
  const endpoint = (name: string, given: string | undefined): string => given ?? endpointIn(document, name, problems);
  const endpoints = {
    authorizationEndpoint: endpoint("authorization_endpoint", beside.authorizationEndpoint),
    tokenEndpoint: endpoint("token_endpoint", beside.tokenEndpoint),
    // Without ID tokens nobody needs the keys: what the document says of them, or leaves out, keeps nobody from anything.
    jwksUri: identity === "id_token" ? endpoint("jwks_uri", beside.jwksUri) : undefined,
    revocationEndpoint:
      beside.revocationEndpoint === undefined && (document["revocation_endpoint"] ?? undefined) === undefined
        ? undefined
        : endpoint("revocation_endpoint", beside.revocationEndpoint),
  };
  const authentication = authenticationIn(document, provider, client, problems);
  const idTokenAlgorithms = identity === "id_token" ? algorithmsIn(document, provider, problems) : [];
  const revocation = methodsIn(document, "revocation_endpoint_auth_methods_supported", problems);
  const [first, ...others] = problems;
  if (first !== undefined) return { problems: [first, ...others] };
  return {
    issuer: String(document["issuer"]),
    ...(offersOfflineAccess(document["scopes_supported"]) ? { offersOfflineAccess: true } : {}),
    ...(document["authorization_response_iss_parameter_supported"] === true ? { sendsIssuer: true } : {}),
    endpoints: defined(endpoints),
    authentication,
    revocationAuthentication: revocationMethod(revocation, authentication, client),
    idTokenAlgorithms,
  };
}

function offersOfflineAccess(scopes: unknown): boolean {
  return Array.isArray(scopes) && scopes.includes("offline_access");
}

/** Section 4.3 of Discovery: with a document that names another issuer, that issuer could answer for ours. */
function checkIssuer(
  document: Readonly<Record<string, unknown>>,
  provider: DocumentReader,
  problems: MetadataProblem[],
): void {
  const theirs = document["issuer"];
  if (typeof theirs === "string" && isNamedBy(provider, theirs)) return;
  problems.push({
    problem: `names another issuer: the document says ${shownIssuer(theirs)}, and ${provider.name} is set to ${shownIssuer(provider.issuer)}`,
    hint: issuerHint(provider, theirs),
  });
}

function endpointIn(document: Readonly<Record<string, unknown>>, name: string, problems: MetadataProblem[]): string {
  const value = document[name] ?? undefined;
  if (value === undefined) {
    problems.push({ problem: `has no ${name}`, hint: "give the endpoints in the configuration" });
    return "";
  }
  if (typeof value !== "string" || !URL.canParse(value)) {
    problems.push({
      problem: `has no ${name} that can be used: it must be an absolute URL, and is ${typeof value === "string" ? "another text" : kindOf(value)}`,
      hint: "give the endpoints in the configuration",
    });
    return "";
  }
  // Client secrets and refresh tokens are sent there. One line of a document must not make us send them in clear.
  if (!isConfidential(value)) {
    problems.push({
      problem: `has a ${name} without https`,
      hint: "give the endpoints in the configuration, with https; plain http is for loopback addresses only",
    });
  }
  return value;
}

function authenticationIn(
  document: Readonly<Record<string, unknown>>,
  { name, clientAuthentication: configured, endpointsBeside }: DocumentReader,
  client: Client,
  problems: MetadataProblem[],
): ClientAuthenticationMethod {
  const member = "token_endpoint_auth_methods_supported";
  const listed = methodsIn(document, member, problems);
  const method = listedMethod(listed, client);
  if (method === undefined) {
    problems.push({
      problem: `accepts no way in which this client can authenticate: ${member} lists ${shownList(listed)}`,
      hint:
        client.privateKey === undefined
          ? "register a client that may use client_secret_post or client_secret_basic, or one with a key (private_key_jwt); certificates are not supported"
          : "register a client with a secret, as this provider takes no keys",
    });
  }
  if (client.privateKey !== undefined) return "private_key_jwt";
  if (configured === undefined || client.clientSecret === undefined) return method ?? "client_secret_basic";
  // The document speaks of its own token endpoint. Of one that was given by hand, the record knows better.
  const isTheirs = endpointsBeside?.tokenEndpoint === undefined;
  if (isTheirs && method !== undefined && listed !== undefined && !listed.includes(configured)) {
    problems.push({
      problem: `does not accept ${configured}, to which ${name} is set: ${member} lists ${shownList(listed)}`,
      hint: "leave clientAuthentication out, so that what the document says is done; if the document is wrong, give endpoints.tokenEndpoint as well",
    });
  }
  return configured;
}

/**
 * How to authenticate at the revocation endpoint: where the document says nothing of it, or nothing that we can do, as
 * at the token endpoint, because it is the same registration.
 */
function revocationMethod(
  listed: readonly string[] | undefined,
  atTokenEndpoint: ClientAuthenticationMethod,
  client: Client,
): ClientAuthenticationMethod {
  if (listed === undefined || listed.includes(atTokenEndpoint)) return atTokenEndpoint;
  return listedMethod(listed, client) ?? atTokenEndpoint;
}

function algorithmsIn(
  document: Readonly<Record<string, unknown>>,
  { name, idTokenAlgorithms }: DocumentReader,
  problems: MetadataProblem[],
): readonly string[] {
  const member = "id_token_signing_alg_values_supported";
  const listed = listIn(document, member, problems);
  if (listed === undefined) return idTokenAlgorithms;
  const both = idTokenAlgorithms.filter((algorithm) => listed.includes(algorithm));
  if (both.length === 0) {
    problems.push({
      problem: `signs ID tokens in no way that ${name} accepts: ${member} lists ${shownList(listed)}, and idTokenAlgorithms is ${idTokenAlgorithms.join(", ")}`,
      hint: "register the client for one of the algorithms that we accept, or list one of the provider's in idTokenAlgorithms if its keys are public",
    });
  }
  return both;
}

/** A list of ways to authenticate. Some write them in capitals or with dashes. */
function methodsIn(
  document: Readonly<Record<string, unknown>>,
  name: string,
  problems: MetadataProblem[],
): readonly string[] | undefined {
  return listIn(document, name, problems)?.map((method) => method.toLowerCase().replaceAll("-", "_"));
}

/**
 * A list of texts. Null and an empty list count as absent: a document leaves out what it has none of. A text counts as the
 * list that it spells, and what is no text in a list says nothing about the texts beside it.
 */
function listIn(
  document: Readonly<Record<string, unknown>>,
  name: string,
  problems: MetadataProblem[],
): readonly string[] | undefined {
  const value = document[name] ?? undefined;
  if (value === undefined) return undefined;
  const given: readonly unknown[] | undefined =
    typeof value === "string"
      ? value.split(/[\s,]+/).filter((each) => each !== "")
      : Array.isArray(value)
        ? value
        : undefined;
  const texts = given?.flatMap((each) => (typeof each === "string" && each.trim() !== "" ? [each.trim()] : []));
  if (given === undefined || texts === undefined || (texts.length === 0 && given.length > 0)) {
    problems.push({
      problem: `has a ${name} that cannot be used: it must be a list of texts, and is ${given === undefined ? kindOf(value) : "a list of something else"}`,
      hint: "tell the provider; until it is corrected, give the endpoints in the configuration, so that no document is read",
    });
    return undefined;
  }
  return texts.length === 0 ? undefined : texts;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function shownList(listed: readonly string[] = []): string {
  return listed
    .slice(0, 10)
    .map((each) => (/^[\w.-]{1,64}$/.test(each) ? each : "something unreadable"))
    .join(", ");
}
