/** The operations about grants. */
import { grantStates } from "../../../core/grant-state.ts";
import type { ErrorCode } from "../../../index.ts";
import { codeParameters, exchangeErrors, idempotencyKey } from "./codes.ts";
import { account, formOrJson, ref, refErrors, provider, text } from "./operation.ts";
import type { Operation } from "./operation.ts";

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

export const grantOperations: readonly Operation[] = [
  {
    method: "post",
    path: "/v1/grants",
    id: "create_grant",
    tag: "callers",
    summary: "Exchange a one-time code that the app's backend received.",
    headers: [idempotencyKey],
    body: formOrJson({
      ...codeParameters,
      external_id: { ...text, maxLength: 512, description: "The user's id in the app: the grant becomes theirs, too." },
      account: {
        ...text,
        maxLength: 512,
        description:
          "A label for this account, where the user has several at the provider. Default: the provider's sub.",
      },
      move_external_id: {
        type: "boolean",
        description: "Whether that label may be taken from another account; without one, the user from all others.",
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
      {
        name: "account",
        description: "Only grants of an account with this label, of that user or of any.",
        schema: { ...text, maxLength: 512 },
      },
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
    query: [provider, account],
    answers: { says: "The grant.", schema: ref("Grant") },
    errors: refErrors,
  },
  {
    method: "delete",
    path: "/v1/grants/{ref}",
    id: "revoke_grant",
    tag: "callers",
    summary: "Revoke the grant at the provider, and end it here.",
    query: [provider, account],
    answers: { says: "The grant, as it is after the revocation.", schema: ref("Grant") },
    errors: [...refErrors, "client_misconfigured", "provider_unavailable", "keeper_unavailable"],
  },
  {
    method: "post",
    path: "/v1/grants/{ref}/probe",
    id: "probe_grant",
    tag: "callers",
    summary: "Ask the provider whether the person's consent still stands, at most once in ten seconds.",
    query: [provider, account],
    answers: { says: "What was found.", schema: ref("Probe") },
    errors: refErrors,
  },
  {
    method: "get",
    path: "/v1/grants/{ref}/token",
    id: "get_token",
    tag: "callers",
    summary: "Get a valid access token. The service refreshes it first where that is needed.",
    query: [
      provider,
      account,
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
];
