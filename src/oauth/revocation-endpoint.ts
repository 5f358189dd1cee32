import * as oauth from "oauth4webapi";
import { defined } from "../core/defined.ts";
import type { Secret } from "../core/secret.ts";
import { authenticating, recordedMethod } from "./client-authentication.ts";
import { refusalWord } from "./refusal-word.ts";
import type { TokenRequest } from "./token-endpoint.ts";
import { parseObject, boundedRequest, retryAfterMs } from "./bounded-fetch.ts";

/**
 * How a revocation ended. `done`: the token is dead, also where it was dead before. `unsupported`: the provider has no
 * revocation endpoint, or will never revoke such a token. `failed`: try again later.
 */
export type RevocationResponse =
  | { readonly kind: "done" }
  | { readonly kind: "unsupported" }
  | { readonly kind: "failed"; readonly error: string; readonly retryAfterMs?: number };

/**
 * Revokes a token at the provider.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7009#section-2
 * @see https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke
 */
export async function requestRevocation(
  { provider, client, endpoints, authentication = recordedMethod(provider, client), http, now }: TokenRequest,
  token: Secret,
): Promise<RevocationResponse> {
  const { revocationEndpoint } = endpoints;
  if (revocationEndpoint === undefined) return { kind: "unsupported" };
  const result = await boundedRequest(http, (signal) =>
    oauth.revocationRequest(
      { issuer: provider.issuer, revocation_endpoint: revocationEndpoint },
      { client_id: client.clientId },
      authenticating(authentication, client),
      token.expose(),
      {
        signal,
        [oauth.customFetch]: (url, init) => http.fetch(url, init),
        [oauth.allowInsecureRequests]: true,
      },
    ),
  );
  if (result.kind === "silence") return { kind: "failed", error: result.error };
  const { status, headers } = result;
  const body = result.kind === "body" ? parseObject(result.text) : undefined;
  const error = body === undefined ? undefined : refusalWord(body, status)?.error;
  if (error === undefined && status >= 200 && status < 300) return { kind: "done" };
  if (status < 500 && error === "invalid_token") return { kind: "done" };
  // Section 2.2.1: the provider does not revoke tokens of this type, however often it is asked.
  if (status < 500 && error === "unsupported_token_type") return { kind: "unsupported" };
  return defined({
    kind: "failed" as const,
    error: error ?? `http_${status}`,
    retryAfterMs: retryAfterMs(headers, now),
  });
}
