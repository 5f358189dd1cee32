/** A bare node:http server that answers the bytes it is told to: what the same answer costs at least. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

process.once("message", (answer: { body: string; headers: Record<string, string> }) => {
  const server = createServer((_request, response) => {
    response.writeHead(200, { ...answer.headers, "content-length": Buffer.byteLength(answer.body) });
    response.end(answer.body);
  });
  server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
  process.on("message", () => process.send?.({ cpu: process.cpuUsage(), rss: process.memoryUsage.rss() }));
});
