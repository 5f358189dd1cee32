/**
 * A bare node:http server that reads each token from a database and opens it, all by hand. Its arguments: the path of a new SQLite
 * file or the address of a PostgreSQL database, how many grants, and the key that it is asked with.
 */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tokensInPostgres, tokensInSqlite } from "./by-hand-tokens.ts";

const [, , where = "", grants = "1", key = ""] = process.argv;
const read = where.startsWith("postgres")
  ? await tokensInPostgres(where, Number(grants))
  : tokensInSqlite(where, Number(grants));
const path = /^\/v1\/grants\/([^/]+)\/token$/;

const server = createServer((request, response) => void answer(request, response));
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, grantId = ""] = path.exec(request.url ?? "") ?? [];
  const known = request.headers.authorization === `Bearer ${key}` ? await read(grantId) : undefined;
  if (known === undefined) {
    response.writeHead(404).end();
    return;
  }
  const body = JSON.stringify({
    access_token: known.token,
    token_type: "Bearer",
    scope: "openid email",
    expires_at: known.expiresAt,
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
}
