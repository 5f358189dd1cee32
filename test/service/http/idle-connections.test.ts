import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { endIdleConnections } from "../../../src/service/http/idle-connections.ts";
import { RepeatedRequests } from "../../../src/service/http/repeated-requests.ts";

const request = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
const idleMs = 50;

/** A connection of a server that soon ends who is idle, after its first answer. */
async function connection(
  t: TestContext,
  isRepeated: boolean,
): Promise<{ socket: Socket; next: () => Promise<string> }> {
  const server = createServer({ keepAliveTimeout: idleMs, keepAliveTimeoutBuffer: 0 }, (incoming, outgoing) => {
    repeated.came(incoming, outgoing);
    if (isRepeated) repeated.mayRepeat(incoming, outgoing, route, () => () => "answered");
    outgoing.end("answered");
  });
  const repeated = new RepeatedRequests(server);
  const route = repeated.route("path", {}, () => undefined);
  endIdleConnections(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  t.after(() => socket.destroy());
  let received = "";
  socket.setEncoding("latin1").on("data", (text: string) => (received += text));
  const next = async (): Promise<string> => {
    while (!received.endsWith("answered")) await once(socket, "data");
    const answer = received;
    received = "";
    return answer;
  };
  await once(socket, "connect");
  socket.write(request);
  await next();
  return { socket, next };
}

describe("connections that are idle", () => {
  for (const isRepeated of [false, true]) {
    const way = isRepeated ? "answered before Node parses it" : "parsed by Node";
    test(`a request that came while the process stood still, past the time of its connection, is answered: ${way}`, async (t) => {
      const { socket, next } = await connection(t, isRepeated);
      for (let n = 0; n < 3; n += 1) {
        // The bytes are with the system at once. The process sees them once the time of the connection is long over.
        socket.write(request);
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3 * idleMs);
        assert.match(await next(), /^HTTP\/1\.1 200 OK/);
      }
    });

    test(`a connection on which nothing comes is ended, also after a request that was in time: ${way}`, async (t) => {
      const { socket, next } = await connection(t, isRepeated);
      socket.write(request);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3 * idleMs);
      await next();
      await once(socket, "close");
    });
  }
});
