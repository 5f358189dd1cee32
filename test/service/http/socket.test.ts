import assert from "node:assert/strict";
import { connect } from "node:net";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import { sharedStandin, until } from "../../support/test-vault.ts";
import type { TestVault, SharedStandin } from "../../support/test-vault.ts";
import { raw, testService } from "../../support/test-service.ts";
import type { RawAnswer } from "../../support/test-service.ts";

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

function assertProblemOnSocket(answer: RawAnswer | undefined, status: number, code: string, about: string): void {
  assert.ok(answer !== undefined, `no answer to ${about}`);
  assert.equal(answer.status, status, `${about}: ${answer.body}`);
  assert.equal(answer.headers.get("content-type"), "application/problem+json", about);
  assert.equal(answer.headers.get("cache-control"), "no-store", about);
  const body = JSON.parse(answer.body) as Record<string, unknown>;
  assert.deepEqual([body["error"], body["status"]], [code, status], about);
  assert.ok(body["hint"] !== "" && body["error_uri"] === `/docs/errors.md#${code}`, about);
}

const head = (...lines: string[]): string => [...lines, "", ""].join("\r\n");

describe("bytes that are no request", () => {
  const garbage: Readonly<Record<string, string | Buffer>> = {
    noise: "\u0001\u0002\u0003\r\n\r\n",
    words: head("HELLO THERE"),
    "a TLS greeting": Buffer.from("16030100c8010000c40303", "hex"),
    "another protocol": head("OPTIONS sip:nm SIP/2.0"),
    "a version that is none": head("GET /healthz HTTP/9.9", "Host: x"),
    "a method that is none": head("GIMME /healthz HTTP/1.1", "Host: x"),
    "no Host": head("GET /healthz HTTP/1.1", "Connection: close"),
    "a Host that is none": head("GET /healthz HTTP/1.1", "Host: a b", "Connection: close"),
    "a Host with a path": head("GET /healthz HTTP/1.1", "Host: a/b?c", "Connection: close"),
    "a Host with a name in it": head("GET /healthz HTTP/1.1", "Host: a@b", "Connection: close"),
    "a header without a colon": head("GET /healthz HTTP/1.1", "Host: x", "nonsense"),
    "a header with a space in its name": head("GET /healthz HTTP/1.1", "Host: x", "A B: c"),
    "a header with a NUL": head("GET /healthz HTTP/1.1", "Host: x", "A: b\u0000c"),
    "a header that is folded": head("GET /healthz HTTP/1.1", "Host: x", "A: b", " c"),
    "two lengths": head("POST /authcode HTTP/1.1", "Host: x", "Content-Length: 1", "Content-Length: 2"),
    "a length and chunks": head(
      "POST /authcode HTTP/1.1",
      "Host: x",
      "Content-Length: 5",
      "Transfer-Encoding: chunked",
      "",
      "0",
    ),
    "a negative length": head("POST /authcode HTTP/1.1", "Host: x", "Content-Length: -1"),
    "a length in words": head("POST /authcode HTTP/1.1", "Host: x", "Content-Length: ten"),
    "a coding that is none": head("POST /authcode HTTP/1.1", "Host: x", "Transfer-Encoding: chunked, nonsense"),
  };
  for (const [name, bytes] of Object.entries(garbage)) {
    test(`bytes that are no request: ${name}: answered with 400, and the connection is closed`, async (t) => {
      const { url, faults } = await testService(t, { shared });
      const answers = await raw(url, bytes);
      assert.equal(answers.length, 1);
      assertProblemOnSocket(answers[0], 400, "invalid_request", name);
      assert.deepEqual(faults, []);
      assert.equal((await fetch(`${url}/healthz`)).status, 200, "and everybody else is served");
    });
  }

  test("bytes that are no chunk, in the middle of a body, are answered and the connection is closed", async (t) => {
    const { url, faults } = await testService(t, { shared });
    const lines = ["POST /authcode HTTP/1.1", "Host: x", "X-Requested-With: x", "Transfer-Encoding: chunked"];
    const type = "Content-Type: application/x-www-form-urlencoded";
    const [answer] = await raw(url, `${head(...lines, type)}5\r\nauthC\r\nzz\r\n`);
    assertProblemOnSocket(answer, 400, "invalid_request", "a chunk");
    assert.deepEqual(faults, []);
  });

  test("methods that only a proxy would understand are refused", async (t) => {
    const { url, key, faults } = await testService(t, { shared });
    const more = [`Host: ${new URL(url).host}`, `Authorization: Bearer ${key}`, "Connection: close"];
    const [trace] = await raw(url, head("TRACE /healthz HTTP/1.1", ...more));
    assertProblemOnSocket(trace, 405, "method_not_allowed", "TRACE");
    assert.deepEqual(await raw(url, head("CONNECT www.googleapis.com:443 HTTP/1.1", ...more)), []);
    const upgrade = ["Host: x", "Connection: close, upgrade", "Upgrade: h2c"];
    const [stays] = await raw(url, head("GET /healthz HTTP/1.1", ...upgrade));
    assert.equal(stays?.status, 200);
    const [expecting] = await raw(url, head("GET /healthz HTTP/1.1", "Expect: miracles", ...more));
    assert.equal(expecting?.status, 200);
    assert.deepEqual(faults, []);
  });

  test("whoever is to go on is told so before the answer, also while the answer before is not over", async (t) => {
    const { url, key, faults } = await testService(t, { shared });
    const more = [`Host: ${new URL(url).host}`, `Authorization: Bearer ${key}`];
    const asking = head("GET /v1/grants/g_nobody/token HTTP/1.1", ...more, "Expect: 100-continue");
    const last = head("GET /healthz HTTP/1.1", "Expect: 100-continue", "Connection: close", ...more);
    // The interim answer has no length, so that what comes after it is read as its body.
    const [first, goOn] = await raw(url, head("GET /v1/grants/g_unknown/token HTTP/1.1", ...more) + asking + last);
    assertProblemOnSocket(first, 404, "grant_not_found", "the request before");
    assert.equal(goOn?.status, 100);
    const rest = (goOn?.body ?? "").matchAll(/HTTP\/1\.1 (\d+) .*?\r\n\r\n(?=(.))/gs);
    assert.deepEqual(
      Array.from(rest, ([, status, begin]) => [status, begin]),
      [
        ["404", "{"],
        ["100", "H"],
        ["200", "{"],
      ],
    );
    assert.deepEqual(faults, []);
  });
});

describe("headers that are too large", () => {
  const large: Readonly<Record<string, string>> = {
    "one of them": head("GET /healthz HTTP/1.1", "Host: x", `A: ${"x".repeat(17_000)}`),
    "many of them": head(
      "GET /healthz HTTP/1.1",
      "Host: x",
      ...Array.from({ length: 1_500 }, (_, n) => `A${n}: ${"x".repeat(12)}`),
    ),
    "the address": head(`GET /${"x".repeat(17_000)} HTTP/1.1`, "Host: x"),
  };
  for (const [name, bytes] of Object.entries(large)) {
    test(`headers that are too large: ${name}: 431, and what the limit is`, async (t) => {
      const { url } = await testService(t, { shared });
      const [answer] = await raw(url, bytes);
      assertProblemOnSocket(answer, 431, "request_too_large", name);
      assert.equal((JSON.parse(answer?.body ?? "{}") as Record<string, unknown>)["limit_bytes"], 16_384);
    });
  }
});

describe("a client that takes its time", () => {
  const slow = { headersTimeoutMs: 200, requestTimeoutMs: 200 };
  const unfinished: Readonly<Record<string, string>> = {
    "with its headers": "GET /healthz HTTP/1.1\r\nHost: x\r\nX-a: b\r\n",
    "with its body": head(
      "POST /authcode HTTP/1.1",
      "Host: x",
      "X-Requested-With: x",
      "Content-Type: application/x-www-form-urlencoded",
      "Content-Length: 100",
    ),
  };
  for (const [name, bytes] of Object.entries(unfinished)) {
    test(`a client that is slow ${name} is told so, and cut; others are served meanwhile`, async (t) => {
      const { url, faults } = await testService(t, { shared, ...slow });
      const waiting = Array.from({ length: 50 }, () => raw(url, bytes));
      assert.equal((await fetch(`${url}/healthz`)).status, 200);
      for (const [answer] of await Promise.all(waiting)) assertProblemOnSocket(answer, 408, "invalid_request", name);
      assert.deepEqual(faults, []);
    });
  }

  test("a client that leaves in the middle of its body is no fault of ours", async (t) => {
    const { url, faults } = await testService(t, { shared });
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
    socket.write(`${unfinished["with its body"] ?? ""}authCode=`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
    assert.deepEqual(faults, []);
  });
});

test("requests that are sent ahead of their answers are answered in order", async (t) => {
  const { url, key, grant } = await testService(t, { shared });
  const { grantId } = await grant();
  const request = (path: string, connection = "keep-alive"): string =>
    head(`GET ${path} HTTP/1.1`, "Host: x", `Authorization: Bearer ${key}`, `Connection: ${connection}`);
  const token = `/v1/grants/${grantId}/token`;
  const answers = await raw(
    url,
    request(token) + request("/healthz") + request(token) + request("/nowhere") + request(token, "close"),
  );
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200, 404, 200],
  );
  assert.equal(answers[2]?.body, answers[4]?.body);
});

describe("closing", () => {
  test("closing the server answers what is under way, takes nothing new, and ends", async (t) => {
    const { fixture, server, ask, grant, url } = await testService(t, { shared });
    const { grantId } = await grant();
    fixture.clock.advance(3_700_000);
    fixture.standin.fault("POST", "/token", { times: 1, delayMs: 200 });
    const idle = await ask("/healthz");
    assert.equal(idle.status, 200);
    await idle.text();
    const waiting = ask(`/v1/grants/${grantId}/token`);
    await until(() => fixture.standin.log().entries.length > 0 && inFlight(fixture));
    const closed = server.close();
    const response = await waiting;
    assert.equal(response.status, 200);
    assert.match(await response.text(), /"access_token":"ya29\./);
    await closed;
    await assert.rejects(fetch(`${url}/healthz`));
  });

  test("closing the server ends, although clients keep their connections", async (t) => {
    const { server, url } = await testService(t, { shared });
    const sockets = Array.from({ length: 5 }, () => connect(Number(new URL(url).port), "127.0.0.1"));
    t.after(() => sockets.forEach((socket) => socket.destroy()));
    await Promise.all(
      sockets.map(
        (socket) =>
          new Promise<void>((resolve) => {
            socket.once("data", () => resolve());
            socket.write(head("GET /healthz HTTP/1.1", "Host: x"));
          }),
      ),
    );
    await server.close();
  });
});

/** Whether a refresh is under way: its attempt stands in the file. */
function inFlight({ path }: TestVault): boolean {
  const file = new DatabaseSync(path, { readOnly: true });
  const row = file.prepare("SELECT count(*) AS n FROM attempts").get();
  file.close();
  return row?.["n"] === 1;
}
