import { grantStates } from "../../core/grant.ts";
import { codeSources } from "../../vault/http/authcode-handler.ts";
import type { ErrorCode } from "../../index.ts";

/** One verb at one address. */
export interface Operation {
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  readonly path: string;
  readonly id: string;
  readonly tag: "apps" | "callers" | "operators";
  readonly summary: string;
  readonly query?: readonly { readonly name: string; readonly description: string; readonly schema: object }[];
  readonly body?: object;
  /** Absent where another server's answer is passed on. */
  readonly answers?: { readonly says: string; readonly schema: object };
  /** Of the answer; JSON by default. */
  readonly media?: string;
  /** What it may refuse with, beside what every address of its kind may. */
  readonly errors: readonly ErrorCode[];
}

const text = { type: "string" } as const;

function ref(name: string): object {
  return { $ref: `#/components/schemas/${name}` };
}

const codeParameters = {
  authCode: { ...text, description: "The one-time code, as the app got it. Also as `code`." },
  code: text,
  source: { enum: codeSources, description: "Where the code came from; it decides redirect_uri." },
  redirect_uri: { ...text, format: "uri", description: "The flow's own, for web-redirect." },
  code_verifier: { ...text, minLength: 43, maxLength: 128, description: "RFC 7636." },
  nonce: { ...text, maxLength: 512, description: "The one that the sign-in was started with." },
  scope: { ...text, description: "What was asked for, so that missing scopes are named." },
  provider: { ...text, description: "Which provider, where there are several." },
};

function codeBody(properties: object): object {
  const schema = { type: "object", properties };
  return {
    required: true,
    content: { "application/x-www-form-urlencoded": { schema }, "application/json": { schema } },
  };
}

const provider = { name: "provider", description: "Settles a reference that fits several grants.", schema: text };
const named: readonly ErrorCode[] = ["invalid_request", "grant_not_found", "ambiguous_grant", "grant_unreadable"];
const exchanging: readonly ErrorCode[] = [
  "invalid_request",
  "code_rejected",
  "id_token_invalid",
  "client_misconfigured",
  "provider_unavailable",
  "store_unavailable",
  "keeper_unavailable",
];
const refreshing: readonly ErrorCode[] = [
  ...named,
  "reauthorization_required",
  "client_misconfigured",
  "provider_unavailable",
  "keeper_unavailable",
];

const proxied = (["get", "post", "put", "patch", "delete"] as const).map((method): Operation => ({
  method,
  path: "/v1/grants/{ref}/proxy/{host}/{path}",
  id: `proxy_${method}`,
  tag: "callers",
  summary: "Call an API with the grant's token.",
  errors: [...refreshing, "host_not_allowed", "insufficient_scope"],
}));

export const operations: readonly Operation[] = [
  {
    method: "post",
    path: "/authcode",
    id: "hand_over_code",
    tag: "apps",
    summary: "Hand a one-time code over. Needs an X-Requested-With header.",
    body: codeBody(codeParameters),
    answers: { says: "Who signed in, and what was granted.", schema: ref("SignIn") },
    errors: ["csrf_rejected", "forbidden", ...exchanging],
  },
  {
    method: "post",
    path: "/v1/grants",
    id: "create_grant",
    tag: "callers",
    summary: "Exchange a code that the app's backend received.",
    body: codeBody({
      ...codeParameters,
      external_id: { ...text, maxLength: 512, description: "The app's own user id." },
    }),
    answers: { says: "Who consented, and to what.", schema: ref("Consent") },
    errors: exchanging,
  },
  {
    method: "get",
    path: "/v1/grants",
    id: "list_grants",
    tag: "callers",
    summary: "A page of grants, without tokens.",
    query: [
      { name: "state", description: "Only those in this state.", schema: { enum: grantStates } },
      { name: "external_id", description: "Only those of this user of the app.", schema: text },
      { name: "subject", description: "Only those of this person.", schema: text },
      { name: "provider", description: "Only those of this provider.", schema: text },
      {
        name: "limit",
        description: "At most so many.",
        schema: { type: "integer", minimum: 1, maximum: 500, default: 50 },
      },
      { name: "cursor", description: "Where the page before ended.", schema: text },
    ],
    answers: { says: "The page.", schema: ref("GrantPage") },
    errors: ["invalid_request", "grant_unreadable"],
  },
  {
    method: "get",
    path: "/v1/grants/{ref}",
    id: "show_grant",
    tag: "callers",
    summary: "One grant, without its tokens.",
    query: [provider],
    answers: { says: "The grant.", schema: ref("Grant") },
    errors: named,
  },
  {
    method: "delete",
    path: "/v1/grants/{ref}",
    id: "revoke_grant",
    tag: "callers",
    summary: "Revoke at the provider and end the grant.",
    query: [provider],
    answers: { says: "The ended grant.", schema: ref("Grant") },
    errors: [...named, "client_misconfigured", "provider_unavailable", "keeper_unavailable"],
  },
  {
    method: "get",
    path: "/v1/grants/{ref}/token",
    id: "get_token",
    tag: "callers",
    summary: "A valid access token, refreshed first where that is needed.",
    query: [
      provider,
      {
        name: "min_ttl_seconds",
        description: "How long it must still live.",
        schema: { type: "integer", minimum: 0, maximum: 86_400, default: 60 },
      },
    ],
    answers: { says: "The token (RFC 6749 section 5.1).", schema: ref("Token") },
    errors: refreshing,
  },
  ...proxied,
  {
    method: "get",
    path: "/healthz",
    id: "health",
    tag: "operators",
    summary: "Whether the process answers.",
    answers: { says: "It does.", schema: ref("Status") },
    errors: [],
  },
  {
    method: "get",
    path: "/readyz",
    id: "readiness",
    tag: "operators",
    summary: "Whether it can do its work: the store and the keeper answer.",
    answers: { says: "It can.", schema: ref("Status") },
    errors: ["store_unavailable", "keeper_unavailable"],
  },
  {
    method: "get",
    path: "/metrics",
    id: "metrics",
    tag: "operators",
    summary: "Counters and gauges, for Prometheus.",
    answers: { says: "Prometheus' text format.", schema: text },
    media: "text/plain",
    errors: [],
  },
  {
    method: "get",
    path: "/openapi.json",
    id: "openapi",
    tag: "operators",
    summary: "This document.",
    answers: { says: "OpenAPI 3.1.", schema: { type: "object" } },
    errors: [],
  },
  {
    method: "get",
    path: "/.well-known/jwks.json",
    id: "jwks",
    tag: "apps",
    summary: "The public keys of sign-in assertions (RFC 7517).",
    answers: { says: "A key set.", schema: ref("KeySet") },
    errors: [],
  },
  {
    method: "get",
    path: "/docs/errors.md",
    id: "errors_page",
    tag: "operators",
    summary: "What each error means and what to do; error_uri leads here.",
    answers: { says: "Markdown.", schema: text },
    media: "text/markdown",
    errors: [],
  },
];
