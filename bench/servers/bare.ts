/** A bare node:http server. Its argument is the body that it answers each request with. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const [, , body = ""] = process.argv;
const headers = {
  "content-type": "application/json",
  "cache-control": "no-store",
  "content-length": Buffer.byteLength(body),
};
const server = createServer((_request, response) => {
  response.writeHead(200, headers);
  response.end(body);
});
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
