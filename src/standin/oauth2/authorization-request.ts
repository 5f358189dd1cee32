import { isRegisteredRedirect } from "./clients.ts";
import type { Client } from "./clients.ts";
import { findClient } from "./find-client.ts";
import type { OAuth2State } from "./oauth2-state.ts";
import { resourceFlaw } from "./resource.ts";
import { parseScope } from "./scopes.ts";

/** An authorization request that is valid: a person may be asked. */
export interface AuthorizationRequest {
  readonly client: Client;
  /** Where the answer goes. */
  readonly redirectUri: string;
  /** Whether the request named that URI, so that the exchange must repeat it (RFC 6749 section 4.1.3). */
  readonly namesRedirectUri: boolean;
  readonly scopes: readonly string[];
  readonly state: string | undefined;
  readonly challenge: string | undefined;
  readonly resources: readonly string[];
  readonly prompt: ReadonlySet<string>;
  readonly loginHint: string | undefined;
  /** The query as it came: the pages carry it along, and it is checked again at each step. */
  readonly query: string;
}

/** What is wrong with a request, and whether its redirect URI can be trusted with the error. */
export type CheckedRequest =
  | { readonly request: AuthorizationRequest }
  | { readonly page: { readonly error: string; readonly description: string } }
  | {
      readonly error: string;
      readonly description: string;
      readonly redirectUri: string;
      readonly state: string | undefined;
    };

function page(error: string, description: string): CheckedRequest {
  return { page: { error, description } };
}

/** Checks a request. Until client and redirect URI are known to be good, nothing is sent anywhere (RFC 6749 section 4.1.2.1). */
export function checkRequest(state: OAuth2State, query: string): CheckedRequest {
  const given = new URLSearchParams(query);
  // RFC 8707 section 2: `resource` alone may come more than once.
  const names = [...given.keys()].filter((name) => name !== "resource");
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) return page("invalid_request", `Parameter specified more than once: ${repeated}`);
  // RFC 6749 section 3.1: a parameter without a value counts as left out.
  const get = (name: string): string | undefined => given.get(name) || undefined;

  const clientId = get("client_id");
  if (clientId === undefined) return page("invalid_request", "client_id is missing.");
  const found = findClient(state, clientId);
  if ("problem" in found) return page("invalid_client", found.problem);
  const { client } = found;
  const [only, ...others] = client.redirectUris;
  const redirectUri = get("redirect_uri") ?? (others.length === 0 ? only : undefined);
  if (redirectUri === undefined) return page("invalid_request", "redirect_uri is missing.");
  if (!isRegisteredRedirect(client, redirectUri)) {
    return page("invalid_request", `The redirect URI ${redirectUri} is not registered for this client.`);
  }

  const refuse = (error: string, description: string): CheckedRequest => ({
    error,
    description,
    redirectUri,
    state: get("state"),
  });
  const responseType = get("response_type");
  if (responseType === undefined) return refuse("invalid_request", "response_type is missing.");
  if (responseType !== "code") return refuse("unsupported_response_type", "response_type must be code.");
  const asked = parseScope(get("scope") ?? "");
  if (asked === undefined) return refuse("invalid_scope", "scope has characters that no scope may have.");
  const resources = given.getAll("resource");
  const target = resourceFlaw(state, resources);
  if (target !== undefined) return refuse("invalid_target", target);
  const flaw = parameterFlaw(state, get);
  if (flaw !== undefined) return refuse("invalid_request", flaw);

  return {
    request: {
      client,
      redirectUri,
      namesRedirectUri: get("redirect_uri") !== undefined,
      scopes: asked.length === 0 ? state.defaultScopes : asked,
      state: get("state"),
      challenge: get("code_challenge"),
      resources,
      prompt: new Set(wordsOf(get("prompt"))),
      loginHint: get("login_hint"),
      query,
    },
  };
}

function wordsOf(text = ""): string[] {
  return text.split(" ").filter((word) => word !== "");
}

const prompts = new Set(["none", "login", "consent", "select_account"]);

function parameterFlaw({ settings }: OAuth2State, get: (name: string) => string | undefined): string | undefined {
  const mode = get("response_mode");
  if (mode !== undefined && mode !== "query") return "response_mode must be query.";
  const asked = wordsOf(get("prompt"));
  const unknown = asked.find((word) => !prompts.has(word));
  if (unknown !== undefined) return `There is no prompt ${unknown}.`;
  if (asked.includes("none") && asked.length > 1) return "prompt=none cannot be combined with others.";
  const challenge = get("code_challenge");
  const method = get("code_challenge_method");
  if (challenge === undefined) {
    if (method !== undefined) return "code_challenge_method without code_challenge.";
    return settings.pkce === "required" ? "code_challenge is missing: PKCE is required." : undefined;
  }
  // RFC 7636 section 4.3: a request that names no method means plain, and RFC 9700 section 2.1.1 wants S256.
  if (method !== "S256") return "code_challenge_method must be S256.";
  return /^[\w-]{43}$/.test(challenge) ? undefined : "code_challenge must be the base64url of a SHA-256.";
}
