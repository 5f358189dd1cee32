/** The operations about handles, and the token endpoint where they are used. */
import { account, formOrJson, provider, ref, refErrors, text } from "./operation.ts";
import type { Operation } from "./operation.ts";

export const handleOperations: readonly Operation[] = [
  {
    method: "post",
    path: "/v1/grants/{ref}/handles",
    id: "create_handle",
    tag: "callers",
    summary: "Make a handle: what one caller sends to the token endpoint in the place of a refresh token.",
    query: [provider, account],
    body: formOrJson({
      name: { ...text, minLength: 1, maxLength: 64, description: "For people; letters, digits, and . _ -" },
      for_caller: { ...text, description: "The name of the caller that will use it. Default: the one that asks." },
      scopes: {
        oneOf: [text, { type: "array", items: text }],
        description: "The largest scopes of the tokens that it gives. Default: whatever the grant has.",
      },
      expires_in: {
        type: "integer",
        minimum: 1,
        maximum: 315_360_000,
        description: "After how many seconds it ends. Default: never.",
      },
    }),
    answers: { says: "The handle, which is shown here and never again.", schema: ref("NewHandle"), status: 201 },
    errors: refErrors,
  },
  {
    method: "get",
    path: "/v1/grants/{ref}/handles",
    id: "list_handles",
    tag: "callers",
    summary: "List a grant's handles, without their secrets.",
    query: [provider, account],
    answers: { says: "The handles, the oldest first.", schema: ref("HandleList") },
    errors: refErrors,
  },
  {
    method: "delete",
    path: "/v1/grants/{ref}/handles/{handle_id}",
    id: "revoke_handle",
    tag: "callers",
    summary: "End a handle.",
    query: [provider, account],
    answers: { says: "The handle, which has ended.", schema: ref("Handle") },
    errors: [...refErrors, "handle_not_found"],
  },
  {
    method: "post",
    path: "/oauth/token",
    id: "oauth_token",
    tag: "callers",
    summary: "Get an access token as OAuth's client libraries do, with a handle in the place of a refresh token.",
    body: formOrJson({
      grant_type: { enum: ["refresh_token"] },
      refresh_token: { ...text, description: "A handle." },
      client_id: { ...text, description: "The caller's name or id, unless HTTP Basic says it." },
      client_secret: { ...text, description: "The caller's key, unless HTTP Basic says it." },
      scope: { ...text, description: "Scopes that the token must have." },
    }),
    answers: { says: "The token (RFC 6749 section 5.1).", schema: ref("OAuthToken") },
    errors: [],
    oauthErrors: {
      400: ["invalid_grant", "invalid_request", "invalid_scope", "unauthorized_client", "unsupported_grant_type"],
      401: ["invalid_client"],
      405: ["invalid_request"],
      413: ["invalid_request"],
      500: ["server_error"],
      503: ["temporarily_unavailable"],
    },
  },
];
