import type { Vault } from "../../../index.ts";
import { clientMarginMs } from "../../../core/early-return.ts";
import { Secret } from "../../../core/secret.ts";
import type { EarlyReturns } from "../../../vault/http/early-returns.ts";
import { oauthTokenBytes } from "../json-bodies.ts";

/** A request that asks for nothing special: who asks, and by which handle. */
interface Plain {
  readonly clientId: string;
  /** The Authorization header that it came with. */
  readonly header: string | undefined;
  /** The one by which its caller is known. */
  readonly authorization: string;
  readonly handle: Secret;
}

const memoryLimit = 10_000;

const parameters: ReadonlySet<string> = new Set(["grant_type", "refresh_token", "client_id", "client_secret"]);
/** Characters that stand for themselves in a form and in Basic credentials, however they were encoded. */
const plain = /^[A-Za-z0-9_.-]+$/;

/**
 * The shortest way from a request to the token endpoint to a cached token: one look each at the caller's key, the handle and
 * the token. A request that is in any way special (another parameter, an escape, a key or handle that was not looked at within
 * the last second, a token that ends soon) goes through the service instead, which decides about it.
 *
 * @returns the body of a 200, in characters of one byte each; or undefined where the service must answer
 */
export function fastHandle(
  vault: Vault,
  returns: EarlyReturns,
): (authorization: string | undefined, body: string, connection: object) => string | undefined {
  /** By their bodies, as they came last. */
  const known = new Map<string, Plain>();
  const minTtlSeconds = clientMarginMs / 1_000;

  return (authorization, body, connection) => {
    const last = known.get(body);
    const asked = last?.header === authorization && last !== undefined ? last : plainRequest(authorization, body);
    const caller = asked === undefined ? undefined : vault.callers.peek(asked.authorization);
    if (asked === undefined || caller === undefined || !caller.allow.includes("token")) return undefined;
    if (caller.name !== asked.clientId && caller.callerId !== asked.clientId) return undefined;
    const view = vault.forCaller(caller);
    const handle = view.handles.peek(asked.handle);
    if (handle === undefined) return undefined;
    const token = view.peekAccessToken({ grantId: handle.grantId }, minTtlSeconds);
    const now = vault.clock.now();
    if (token === undefined || view.handles.beyond(handle, token.scopes) !== undefined) return undefined;
    if (returns.isRefused(handle.handleId, token, now, connection)) return undefined;
    // Only what was good: somebody without a key fills no memory.
    if (asked !== last && known.size >= memoryLimit) known.clear();
    if (asked !== last) known.set(body, asked);
    return oauthTokenBytes(token, now);
  };
}

function plainRequest(authorization: string | undefined, body: string): Plain | undefined {
  const sent = new Map<string, string>();
  for (const pair of body.split("&")) {
    const [name = "", value = "", ...more] = pair.split("=");
    if (more.length > 0 || !parameters.has(name) || sent.has(name) || !plain.test(value)) return undefined;
    sent.set(name, value);
  }
  const handle = sent.get("refresh_token");
  if (sent.get("grant_type") !== "refresh_token" || handle === undefined) return undefined;
  let [clientId, key] = [sent.get("client_id"), sent.get("client_secret")];
  if (authorization !== undefined) {
    const [, id, secret] = /^([A-Za-z0-9_.-]+):([A-Za-z0-9_.-]+)$/.exec(basicText(authorization)) ?? [];
    if (id === undefined || secret === undefined) return undefined;
    if ((clientId ?? id) !== id || (key ?? secret) !== secret) return undefined;
    [clientId, key] = [id, secret];
  }
  if (clientId === undefined || key?.startsWith("obk_") !== true) return undefined;
  return { clientId, header: authorization, authorization: `Bearer ${key}`, handle: new Secret(handle) };
}

function basicText(authorization: string): string {
  const encoded = /^Basic ([A-Za-z0-9+/]+={0,2})$/.exec(authorization)?.[1];
  return encoded === undefined ? "" : Buffer.from(encoded, "base64").toString("latin1");
}
