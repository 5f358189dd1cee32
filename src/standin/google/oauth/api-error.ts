import { defined } from "../../defined.ts";
import { bearerOf, json } from "../../http/messages.ts";
import type { Incoming, Reply } from "../../http/messages.ts";
import type { AccessToken } from "../../state/ledger.ts";
import type { GoogleState } from "../state/google-state.ts";

export const realm = 'Bearer realm="https://accounts.google.com/"';

interface ApiProblem {
  readonly status: number;
  readonly message: string;
  /** Google's older word for it, in `errors[]`. */
  readonly reason: string;
  readonly domain?: string;
  readonly location?: string;
  /** Google's newer word for it. */
  readonly rpcStatus?: string;
  readonly details?: readonly unknown[];
}

/** An API's error body as Google writes them: the older `errors` list and the newer `status` and `details` together. */
export function apiError(
  problem: ApiProblem,
  outcome: string,
  headers: Record<string, string> = {},
  grant?: string,
): Reply {
  const { status, message, reason, domain = "global", location, rpcStatus, details } = problem;
  const where =
    location === undefined ? {} : { location, locationType: location === "Authorization" ? "header" : "parameter" };
  const errors = [{ message, domain, reason, ...where }];
  const error = defined({ code: status, message, errors, status: rpcStatus, details });
  return json(status, { error }, { outcome, grant }, headers);
}

const badCredentials =
  "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid " +
  "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.";

/** 401: unknown, expired and revoked bearers get the same answer (RFC 6750 section 3.1). */
export function unauthorized(presented: boolean): Reply {
  return apiError(
    {
      status: 401,
      message: presented ? badCredentials : "Login Required.",
      reason: presented ? "authError" : "required",
      location: "Authorization",
      rpcStatus: "UNAUTHENTICATED",
    },
    "unauthorized",
    { "www-authenticate": presented ? `${realm}, error="invalid_token"` : realm },
  );
}

/** 403: the bearer is good, but its scopes do not cover this. Neither a refresh nor a retry helps. */
export function insufficientScope(needed: readonly string[], service: string, method: string, grant: string): Reply {
  return apiError(
    {
      status: 403,
      message: "Request had insufficient authentication scopes.",
      reason: "insufficientPermissions",
      rpcStatus: "PERMISSION_DENIED",
      details: [
        {
          "@type": "type.googleapis.com/google.rpc.ErrorInfo",
          reason: "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
          domain: "googleapis.com",
          metadata: { service, method },
        },
      ],
    },
    "insufficient_scope",
    { "www-authenticate": `${realm}, error="insufficient_scope", scope="${needed.join(" ")}"` },
    grant,
  );
}

/** The access token that a request carries, in the header or the query, or the 401 that it gets. */
export function admit(state: GoogleState, request: Incoming): { token: AccessToken } | { refusal: Reply } {
  const value = bearerOf(request.headers) ?? request.query.get("access_token") ?? undefined;
  const token = value === undefined ? undefined : state.ledger.bearer(value);
  if (token !== undefined) return { token };
  return { refusal: unauthorized(value !== undefined || request.headers.authorization !== undefined) };
}
