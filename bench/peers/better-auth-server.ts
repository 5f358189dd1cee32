/** Better Auth's `getAccessToken` behind node:http, for whoever has a key. Its arguments: how many users, and the key. */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { DatabaseSync } from "node:sqlite";
import { accessTokenOf, grantIdOf } from "../../tools/key-rotation/fill.ts";
import { betterAuthUsers } from "./better-auth.ts";

const [, , count = "1", key = ""] = process.argv;
const accessTokenExpiresAt = new Date(Date.now() + 86_400_000);
const { users, accessToken } = await betterAuthUsers(new DatabaseSync(":memory:"), Number(count), (n) => ({
  accessToken: accessTokenOf(grantIdOf(n)),
  refreshToken: `1//refresh-${n}`,
  accessTokenExpiresAt,
}));

const path = /^\/token\/(\d+)$/;
const server = createServer((request, response) => void answer(request, response));
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const user = users[Number(path.exec(request.url ?? "")?.[1])];
  if (user === undefined || request.headers.authorization !== `Bearer ${key}`) {
    response.writeHead(404).end();
    return;
  }
  const body = JSON.stringify({ access_token: await accessToken(user), token_type: "Bearer" });
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  response.end(body);
}
