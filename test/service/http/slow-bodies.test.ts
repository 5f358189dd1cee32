import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { limitBody } from "../../../src/service/http/slow-bodies.ts";

const proxied = "/v1/grants/g_1/proxy/www.googleapis.com/upload";

interface Sent {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A request whose bytes come as the test says, and how often it was ended. */
function arriving(t: TestContext, { url, headers }: Sent) {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const socket = Object.assign(new EventEmitter(), { bytesRead: 100 });
  const incoming = Object.assign(new EventEmitter(), { url, headers, socket, readableLength: 0 });
  const outgoing = { writableFinished: false };
  let ended = 0;
  limitBody(incoming as unknown as IncomingMessage, outgoing as unknown as ServerResponse, 15_000, () => (ended += 1));
  return { socket, incoming, outgoing, ended: () => ended, advance: (ms: number) => t.mock.timers.tick(ms) };
}

const large = { "content-length": "1000000" };

test("a body to the proxy may come for hours, while it comes", (t) => {
  const { socket, ended, advance } = arriving(t, { url: proxied, headers: large });
  for (let at = 0; at < 1_000; at += 1) {
    socket.bytesRead += 1;
    advance(15_000);
  }
  assert.equal(ended(), 0);
  advance(15_000);
  assert.equal(ended(), 1);
});

test("a body to the proxy that waits for a slow API is not the client's fault", (t) => {
  const { incoming, ended, advance } = arriving(t, { url: proxied, headers: { "transfer-encoding": "chunked" } });
  incoming.readableLength = 65_536;
  advance(600_000);
  assert.equal(ended(), 0);
});

test("a body that goes on after its answer is ended, to the proxy as well", (t) => {
  const { socket, outgoing, ended, advance } = arriving(t, { url: proxied, headers: large });
  outgoing.writableFinished = true;
  socket.bytesRead += 1;
  advance(15_000);
  assert.equal(ended(), 1);
});

for (const url of [
  "/authcode",
  "/v1/grants",
  "/v1/grants/x/proxyx",
  "/authcode?/v1/grants/x/proxy/",
  "/v1/grants//proxy/",
]) {
  test(`a body to ${url} must arrive in time, however it comes`, (t) => {
    const { socket, ended, advance } = arriving(t, { url, headers: large });
    socket.bytesRead += 1;
    advance(15_000);
    assert.equal(ended(), 1);
  });
}

test("a body that has arrived, and a request without one, are not looked at again", (t) => {
  const whole = arriving(t, { url: "/authcode", headers: large });
  whole.incoming.emit("end");
  whole.advance(60_000);
  t.mock.timers.reset();
  const none = arriving(t, { url: "/healthz", headers: { "content-length": "0" } });
  none.advance(60_000);
  assert.deepEqual([whole.ended(), none.ended()], [0, 0]);
});
