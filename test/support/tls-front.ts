import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import type { TestContext } from "node:test";
import { TLSSocket } from "node:tls";
import { certificateKey } from "./certificates.ts";

/**
 * Speaks TLS for the server of a connection string, with a certificate of the test's choice; ends with the test.
 *
 * @returns the same connection string, through it
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL
 */
export async function throughTls(t: TestContext, connectionString: string, cert: string): Promise<URL> {
  const behind = new URL(connectionString);
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(behind.port), behind.hostname);
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on("error", () => undefined);
    }
    near.once("data", () => {
      near.write("S");
      const secure = new TLSSocket(near, { isServer: true, key: certificateKey, cert });
      secure.on("error", () => far.destroy());
      secure.pipe(far).pipe(secure);
    });
    near.once("close", () => far.destroy());
  }).listen(0, "127.0.0.1");
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  await once(server, "listening");
  const url = new URL(connectionString);
  url.port = String((server.address() as AddressInfo).port);
  return url;
}
