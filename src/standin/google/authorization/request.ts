import { isRegisteredOrigin, isRegisteredRedirect } from "../state/clients.ts";
import type { Client } from "../state/clients.ts";
import type { Challenge } from "../state/codes.ts";
import { parseScope } from "../state/scopes.ts";
import type { GoogleState } from "../state/google-state.ts";

/** Where the answer goes: back to a redirect URI, or to the page that opened the popup. */
export type Destination =
  | { readonly kind: "redirect"; readonly redirectUri: string }
  | { readonly kind: "popup"; readonly origin: string; readonly id: string };

/** An authorization request that is valid: a person may be asked. */
export interface AuthorizationRequest {
  readonly client: Client;
  readonly destination: Destination;
  readonly scopes: readonly string[];
  readonly state: string | undefined;
  readonly nonce: string | undefined;
  readonly challenge: Challenge | undefined;
  readonly offline: boolean;
  readonly prompt: ReadonlySet<string>;
  readonly includeGrantedScopes: boolean;
  readonly loginHint: string | undefined;
  readonly hd: string | undefined;
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
      readonly destination: Destination;
      readonly state: string | undefined;
    };

function page(error: string, description: string): CheckedRequest {
  return { page: { error, description } };
}

/** Checks a request. Until client and redirect URI are known to be good, nothing is sent anywhere (RFC 6749 section 4.1.2.1). */
export function checkRequest(state: GoogleState, query: string): CheckedRequest {
  const given = new URLSearchParams(query);
  const repeated = [...given.keys()].find((name, index, names) => names.indexOf(name) !== index);
  if (repeated !== undefined) return page("invalid_request", `Parameter specified more than once: ${repeated}`);
  const get = (name: string): string | undefined => given.get(name) ?? undefined;

  const clientId = get("client_id");
  if (clientId === undefined) return page("invalid_request", "Missing required parameter: client_id");
  const client = state.clients.get(clientId);
  if (client === undefined) return page("invalid_client", "The OAuth client was not found.");
  if (client.state !== "enabled") return page(`${client.state}_client`, `The OAuth client was ${client.state}.`);
  const uri = get("redirect_uri");
  if (uri === undefined || uri === "") return page("invalid_request", "Missing required parameter: redirect_uri");
  const destination = destinationOf(client, uri);
  if (destination === undefined) {
    return page("redirect_uri_mismatch", `The redirect URI ${uri} is not registered for this client.`);
  }

  const refuse = (error: string, description: string): CheckedRequest => ({
    error,
    description,
    destination,
    state: get("state"),
  });
  const required = (name: string): CheckedRequest => refuse("invalid_request", `Missing required parameter: ${name}`);
  const responseType = get("response_type");
  if (responseType === undefined) return required("response_type");
  if (responseType !== "code") return refuse("unsupported_response_type", "Only response_type=code is served here.");
  const { scopes, unknown } = parseScope(get("scope") ?? "");
  if (scopes.length === 0) return required("scope");
  if (unknown.length > 0) return refuse("invalid_scope", `Some requested scopes were invalid: ${unknown.join(" ")}`);
  const flaw = parameterFlaw(get);
  if (flaw !== undefined) return refuse("invalid_request", flaw);

  const challenge = get("code_challenge");
  const method = get("code_challenge_method") === "S256" ? "S256" : "plain";
  const prompt = new Set((get("prompt") ?? "").split(" ").filter((word) => word !== ""));
  if (get("approval_prompt") === "force") prompt.add("consent");
  return {
    request: {
      client,
      destination,
      scopes,
      state: get("state"),
      nonce: get("nonce"),
      challenge: challenge === undefined ? undefined : { value: challenge, method },
      // The popup's library asks for offline access without saying so.
      offline: get("access_type") === "offline" || destination.kind === "popup",
      prompt,
      includeGrantedScopes: get("include_granted_scopes") === "true",
      loginHint: get("login_hint"),
      hd: get("hd"),
      query,
    },
  };
}

/** A popup names its page as `storagerelay://http/127.0.0.1:8787?id=…`. */
function destinationOf(client: Client, uri: string): Destination | undefined {
  const relay = /^storagerelay:\/\/(https?)\/([^/?#]+)\?id=([\w-]{1,64})$/.exec(uri);
  if (relay === null) {
    return isRegisteredRedirect(client, uri) ? { kind: "redirect", redirectUri: uri } : undefined;
  }
  const [, scheme = "", host = "", id = ""] = relay;
  const origin = `${scheme}://${host}`;
  return isRegisteredOrigin(client, origin) ? { kind: "popup", origin, id } : undefined;
}

const accepted: Readonly<Record<string, readonly string[]>> = {
  access_type: ["online", "offline"],
  include_granted_scopes: ["true", "false"],
  approval_prompt: ["auto", "force"],
  code_challenge_method: ["plain", "S256"],
  response_mode: ["query"],
};

const prompts = new Set(["none", "consent", "select_account"]);

function parameterFlaw(get: (name: string) => string | undefined): string | undefined {
  for (const [name, values] of Object.entries(accepted)) {
    const value = get(name);
    if (value !== undefined && !values.includes(value)) return `Invalid parameter value for ${name}: ${value}`;
  }
  const asked = (get("prompt") ?? "").split(" ").filter((word) => word !== "");
  const unknown = asked.find((word) => !prompts.has(word));
  if (unknown !== undefined) return `Invalid parameter value for prompt: ${unknown}`;
  if (asked.includes("none") && asked.length > 1) return "prompt=none cannot be combined with others";
  if (asked.length > 0 && get("approval_prompt") !== undefined) {
    return "prompt and approval_prompt cannot be used together";
  }
  const challenge = get("code_challenge");
  // RFC 7636 section 4.2: 43 to 128 unreserved characters.
  if (challenge !== undefined && !/^[\w.~-]{43,128}$/.test(challenge))
    return "Invalid parameter value for code_challenge";
  if (challenge === undefined && get("code_challenge_method") !== undefined) {
    return "code_challenge_method without code_challenge";
  }
  return undefined;
}
