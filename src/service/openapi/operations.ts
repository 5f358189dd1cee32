import { grantStates } from "../../core/grant.ts";
import type { ErrorCode } from "../../index.ts";
import { codeSources } from "../../vault/http/authcode-handler.ts";

/** What a request may have beside its body. */
export interface Parameter {
  readonly name: string;
  readonly description: string;
  readonly schema: object;
  /** Whether nothing is done without it. Default false. */
  readonly required?: boolean;
}

/** One method at one address. */
export interface Operation {
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  readonly path: string;
  readonly id: string;
  readonly tag: "apps" | "callers" | "operators";
  readonly summary: string;
  /** Whether it takes a caller key. Default: where it is for callers. */
  readonly needsKey?: boolean;
  readonly query?: readonly Parameter[];
  /** Headers that it reads, besides those of HTTP itself and those of every address for callers. */
  readonly headers?: readonly Parameter[];
  readonly body?: object;
  /** What a 200 carries. Absent where the answer of another server is passed on. */
  readonly answers?: { readonly says: string; readonly schema: object };
  /** Content type of the answer. Default: JSON. */
  readonly media?: string;
  /** Errors that it may answer, besides those of every address of its kind. */
  readonly errors: readonly ErrorCode[];
}

const text = { type: "string" } as const;

/** Headers that every address for callers reads. */
export const headersOfCallers: readonly Parameter[] = [
  {
    name: "X-Request-Id",
    description: "A UUID by which the audit log names the request. Default: one that the service makes.",
    schema: { ...text, format: "uuid" },
  },
];

function ref(name: string): object {
  return { $ref: `#/components/schemas/${name}` };
}

const codeParameters = {
  authCode: { ...text, description: "The one-time code, as the app received it. May be named `code` instead." },
  code: text,
  source: { enum: codeSources, description: "Where the code came from. It decides the redirect_uri of the exchange." },
  redirect_uri: { ...text, format: "uri", description: "For web-redirect: the URI that the code was sent to." },
  code_verifier: {
    ...text,
    minLength: 43,
    maxLength: 128,
    description: "The PKCE verifier of the sign-in (RFC 7636).",
  },
  nonce: { ...text, maxLength: 512, description: "The nonce that the sign-in was started with." },
  scope: {
    oneOf: [text, { type: "array", items: text }],
    description:
      "The scopes that the app asked for, as text with spaces or commas between them or as an array, so that the answer " +
      "can name those the person did not grant. May be named `scopes` instead.",
  },
  provider: { ...text, description: "The provider that issued the code, where the service has several." },
};

function codeBody(properties: object): object {
  const schema = { type: "object", properties };
  return {
    required: true,
    content: { "application/x-www-form-urlencoded": { schema }, "application/json": { schema } },
  };
}

const provider = {
  name: "provider",
  description: "Chooses the provider where the reference fits several grants.",
  schema: text,
};
const refErrors: readonly ErrorCode[] = ["invalid_request", "grant_not_found", "ambiguous_grant", "grant_unreadable"];
const exchangeErrors: readonly ErrorCode[] = [
  "invalid_request",
  "code_rejected",
  "id_token_invalid",
  "client_misconfigured",
  "provider_unavailable",
  "store_unavailable",
  "keeper_unavailable",
];
const refreshErrors: readonly ErrorCode[] = [
  ...refErrors,
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
  summary: "Call an API with the grant's access token.",
  errors: [...refreshErrors, "host_not_allowed", "insufficient_scope"],
}));

export const operations: readonly Operation[] = [
  {
    method: "post",
    path: "/authcode",
    id: "hand_over_code",
    tag: "apps",
    summary: "Hand a one-time code over. The request must have an X-Requested-With header.",
    headers: [
      {
        name: "X-Requested-With",
        description: "Any value, such as XMLHttpRequest: a page of another site cannot send this header.",
        schema: { ...text, minLength: 1 },
        required: true,
      },
      {
        name: "Idempotency-Key",
        description:
          "Chosen at random and sent with each try of one code: it proves that a request comes from the same sender as the " +
          "one before, so that both get the same answer, with the same sign_in_assertion.",
        schema: { ...text, minLength: 16, maxLength: 255, pattern: String.raw`^[\x21-\x7e]+$` },
      },
    ],
    body: codeBody(codeParameters),
    answers: { says: "The person who signed in, and what they granted.", schema: ref("SignIn") },
    errors: ["csrf_rejected", "forbidden", ...exchangeErrors],
  },
  {
    method: "post",
    path: "/v1/grants",
    id: "create_grant",
    tag: "callers",
    summary: "Exchange a one-time code that the app's backend received.",
    body: codeBody({
      ...codeParameters,
      external_id: { ...text, maxLength: 512, description: "The user's id in the app: the grant becomes theirs, too." },
      move_external_id: {
        type: "boolean",
        description: "Whether that id may be taken from the grant of another account that is in use.",
      },
    }),
    answers: { says: "The person who consented, and what they granted.", schema: ref("Consent") },
    errors: [...exchangeErrors, "external_id_conflict"],
  },
  {
    method: "get",
    path: "/v1/grants",
    id: "list_grants",
    tag: "callers",
    summary: "List grants, a page at a time, without tokens.",
    query: [
      { name: "state", description: "Only grants in this state.", schema: { enum: grantStates } },
      { name: "external_id", description: "Only grants of this user of the app.", schema: text },
      { name: "subject", description: "Only grants of the person with this subject.", schema: text },
      { name: "provider", description: "Only grants of this provider.", schema: text },
      {
        name: "limit",
        description: "The most grants that the page may have.",
        schema: { type: "integer", minimum: 1, maximum: 500, default: 50 },
      },
      { name: "cursor", description: "The `cursor` of the page before.", schema: text },
    ],
    answers: { says: "The page.", schema: ref("GrantPage") },
    errors: ["invalid_request", "grant_unreadable"],
  },
  {
    method: "get",
    path: "/v1/grants/{ref}",
    id: "show_grant",
    tag: "callers",
    summary: "Show one grant, without its tokens.",
    query: [provider],
    answers: { says: "The grant.", schema: ref("Grant") },
    errors: refErrors,
  },
  {
    method: "delete",
    path: "/v1/grants/{ref}",
    id: "revoke_grant",
    tag: "callers",
    summary: "Revoke the grant at the provider, and end it here.",
    query: [provider],
    answers: { says: "The grant, as it is after the revocation.", schema: ref("Grant") },
    errors: [...refErrors, "client_misconfigured", "provider_unavailable", "keeper_unavailable"],
  },
  {
    method: "get",
    path: "/v1/grants/{ref}/token",
    id: "get_token",
    tag: "callers",
    summary: "Get a valid access token. The service refreshes it first where that is needed.",
    query: [
      provider,
      {
        name: "min_ttl_seconds",
        description: "How many seconds the token must still be valid.",
        schema: { type: "integer", minimum: 0, maximum: 86_400, default: 60 },
      },
      {
        name: "refused",
        description: "The SHA-256, in hex, of a token that an API has just refused: the answer is another one.",
        schema: { type: "string", pattern: "^[0-9A-Fa-f]{64}$" },
      },
    ],
    answers: { says: "The access token (RFC 6749 section 5.1).", schema: ref("Token") },
    errors: refreshErrors,
  },
  ...proxied,
  {
    method: "get",
    path: "/v1/audit",
    id: "list_audit",
    tag: "callers",
    summary: "Read what happened to grants, callers and keys, and which tokens left.",
    query: [
      {
        name: "after",
        description: "Only rows after this number: the `next` of the page before.",
        schema: { type: "integer", minimum: 0, default: 0 },
      },
      { name: "grant", description: "Only rows about this grant, by any reference.", schema: text },
      provider,
      { name: "caller", description: "Only rows of this caller.", schema: text },
      {
        name: "limit",
        description: "The most rows that the page may have.",
        schema: { type: "integer", minimum: 1, maximum: 500, default: 100 },
      },
    ],
    answers: { says: "The page.", schema: ref("AuditPage") },
    errors: ["invalid_request", "grant_not_found", "ambiguous_grant", "grant_unreadable"],
  },
  {
    method: "get",
    path: "/",
    id: "home",
    tag: "operators",
    summary: "See which addresses there are: a page for browsers, JSON for programs.",
    answers: { says: "The addresses.", schema: ref("Home") },
    errors: ["invalid_request"],
  },
  {
    method: "get",
    path: "/healthz",
    id: "health",
    tag: "operators",
    summary: "Check that the process answers.",
    answers: { says: "The process answers.", schema: ref("Status") },
    errors: ["invalid_request"],
  },
  {
    method: "get",
    path: "/readyz",
    id: "readiness",
    tag: "operators",
    summary: "Check that the service can work: its store and its keeper answer.",
    answers: { says: "The service can work.", schema: ref("Status") },
    errors: ["invalid_request", "store_unavailable", "keeper_unavailable"],
  },
  {
    method: "get",
    path: "/metrics",
    id: "metrics",
    tag: "operators",
    summary:
      "Read counters and gauges, for Prometheus. Without a key that has the permission metrics, there is nothing.",
    needsKey: true,
    answers: { says: "The counters in Prometheus' text format.", schema: text },
    media: "text/plain",
    errors: ["invalid_request", "not_found"],
  },
  {
    method: "get",
    path: "/openapi.json",
    id: "openapi",
    tag: "operators",
    summary: "Read this document.",
    answers: { says: "This document, in OpenAPI 3.1.", schema: { type: "object" } },
    errors: ["invalid_request"],
  },
  {
    method: "get",
    path: "/.well-known/jwks.json",
    id: "jwks",
    tag: "apps",
    summary: "Read the public keys that verify sign-in assertions (RFC 7517).",
    answers: { says: "A JSON Web Key Set.", schema: ref("KeySet") },
    errors: ["invalid_request"],
  },
  {
    method: "get",
    path: "/docs/{page}",
    id: "docs_page",
    tag: "operators",
    summary: "Read a page of the documentation. The error_uri of a problem leads to errors.md; /llms.txt lists all.",
    answers: { says: "The page, in Markdown.", schema: text },
    media: "text/markdown",
    errors: ["invalid_request", "not_found"],
  },
  {
    method: "get",
    path: "/{page}",
    id: "root_page",
    tag: "operators",
    summary: "Read a page of the package's root that others link to: README.md, SECURITY.md, and so on.",
    answers: { says: "The page, in Markdown.", schema: text },
    media: "text/markdown",
    errors: ["invalid_request", "not_found"],
  },
  {
    method: "get",
    path: "/llms.txt",
    id: "llms_txt",
    tag: "operators",
    summary: "Read the list of the pages, with what each is for.",
    answers: { says: "The list, in Markdown, as llmstxt.org proposes it.", schema: text },
    media: "text/plain",
    errors: ["invalid_request"],
  },
];
