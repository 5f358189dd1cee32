/**
 * What somebody would write by hand who only wants to be quick: tokens in a Map, a key compared in a Set, the answer written for
 * each request. Nothing is sealed, recorded, refreshed or revoked.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { accessTokenOf, grantIdOf } from "../../tools/key-rotation/fill.ts";

const [, , grants = "", key = ""] = process.argv;
const keys = new Set([`Bearer ${key}`]);
const expiresAt = Math.floor(Date.now() / 1_000) + 86_400;
const tokens = new Map<string, { readonly token: string; readonly scope: string; readonly expiresAt: number }>();
for (let n = 0; n < Number(grants); n += 1) {
  const grantId = grantIdOf(n);
  tokens.set(grantId, { token: accessTokenOf(grantId), scope: "openid email", expiresAt });
}

const path = /^\/v1\/grants\/([^/]+)\/token$/;
const server = createServer((request, response) => {
  const [, grantId = ""] = path.exec(request.url ?? "") ?? [];
  const known = tokens.get(grantId);
  if (known === undefined || !keys.has(request.headers.authorization ?? "")) {
    response.writeHead(404).end();
    return;
  }
  const body = JSON.stringify({
    access_token: known.token,
    token_type: "Bearer",
    scope: known.scope,
    expires_at: known.expiresAt,
    refresh_at: "2026-11-22T00:00:00.000Z",
    grant_id: grantId,
    provider: "google",
    generation: 1,
    expires_in: Math.floor(known.expiresAt - Date.now() / 1_000),
  });
  response.writeHead(200, {
    "content-type": "application/json",
    "cache-control": "no-store",
    "content-length": Buffer.byteLength(body),
  });
  response.end(body);
});
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
