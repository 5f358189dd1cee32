/**
 * What somebody would write by hand: a server that looks at a key, takes a token out of a Map, and asks the API with fetch. Nothing is
 * recorded, refreshed or hidden from the answer. Its arguments: the port of the API, and the key.
 */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { accessTokenOf, grantIdOf } from "../../tools/key-rotation/fill.ts";

const [, , apiPort = "", key = ""] = process.argv;
const tokens = new Map([[grantIdOf(0), accessTokenOf(grantIdOf(0))]]);
const path = /^\/proxy\/([^/]+)(\/.*)$/;

const server = createServer((request, response) => void answer(request, response));
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, grantId = "", target = ""] = path.exec(request.url ?? "") ?? [];
  const token = tokens.get(grantId);
  if (token === undefined || request.headers.authorization !== `Bearer ${key}`) {
    response.writeHead(404).end();
    return;
  }
  const answered = await fetch(`http://127.0.0.1:${apiPort}${target}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const body = Buffer.from(await answered.arrayBuffer());
  response.writeHead(answered.status, {
    "content-type": answered.headers.get("content-type") ?? "",
    "content-length": body.length,
  });
  response.end(body);
}
