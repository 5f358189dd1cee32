import * as oauth from "oauth4webapi";
import type { Client, Endpoints, Provider } from "../providers/provider.ts";
import type { Secret } from "../core/secret.ts";
import { clientAuthentication, errorCode } from "./token-endpoint.ts";
import { parseObject, boundedFetch, retryAfterMs } from "./bounded-fetch.ts";
import type { BoundedFetch } from "./bounded-fetch.ts";

/** How a revocation ended. `done` also where the token was dead already: the aim is reached. */
export type RevocationReply =
  | { readonly kind: "done" }
  | { readonly kind: "unsupported" }
  | { readonly kind: "failed"; readonly why: string; readonly retryAfterMs?: number };

/**
 * Revokes a token at the provider.
 *
 * @see RFC 7009 section 2; https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke
 */
export async function requestRevocation(
  {
    provider,
    client,
    endpoints,
    wire,
    now,
  }: { provider: Provider; client: Client; endpoints: Endpoints; wire: BoundedFetch; now: number },
  token: Secret,
): Promise<RevocationReply> {
  const { revocationEndpoint } = endpoints;
  if (revocationEndpoint === undefined) return { kind: "unsupported" };
  const received = await boundedFetch(wire, (signal) =>
    oauth.revocationRequest(
      { issuer: provider.issuer, revocation_endpoint: revocationEndpoint },
      { client_id: client.clientId },
      clientAuthentication(provider, client),
      token.expose(),
      {
        signal,
        [oauth.customFetch]: (url, init) => wire.fetch(url, init),
        [oauth.allowInsecureRequests]: true,
      },
    ),
  );
  if (received.kind === "silence") return { kind: "failed", why: received.why };
  const { status, headers } = received;
  const body = received.kind === "body" ? parseObject(received.text) : undefined;
  const error = typeof body?.["error"] === "string" ? errorCode(body["error"]) : undefined;
  if (error === undefined && status >= 200 && status < 300) return { kind: "done" };
  if (status < 500 && error === "invalid_token") return { kind: "done" };
  // Section 2.2.1: it never will be revoked there, however often it is asked.
  if (status < 500 && error === "unsupported_token_type") return { kind: "unsupported" };
  const later = retryAfterMs(headers, now);
  return {
    kind: "failed",
    why: error ?? `http_${status}`,
    ...(later === undefined ? {} : { retryAfterMs: later }),
  };
}
