import assert from "node:assert/strict";
import type { IncomingMessage, RequestListener } from "node:http";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { serviceMetrics } from "../../../src/service/index.ts";
import { isOnbehalfError } from "../../../src/index.ts";
import { defined } from "../../../src/core/defined.ts";
import { requiredScopes, targetUrl } from "../../../src/service/http/proxy.ts";
import { eventually } from "../../support/eventually.ts";
import { proxiedApi } from "../../support/proxied-api.ts";
import { appData, outcomes, sharedStandin } from "../../support/test-vault.ts";
import type { SharedStandin } from "../../support/test-vault.ts";
import { assertProblem } from "../../support/problem.ts";
import { raw, rawRequest, testService } from "../../support/test-service.ts";

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

const files = "www.googleapis.com/drive/v3/files";

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

describe("a call through the proxy", () => {
  test("a proxied call reaches the app folder on the person's behalf: create, list, read, delete", async (t) => {
    const { ask, grant } = await testService(t, { shared });
    const { grantId } = await grant();
    const at = `/v1/grants/${grantId}/proxy`;
    const folder = await ask(`${at}/${files}/appfolder`);
    assert.equal(folder.status, 200);
    assert.equal(((await folder.json()) as { kind: string }).kind, "drive#file");
    const made = await ask(`${at}/${files}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "note.txt", parents: ["appDataFolder"] }),
    });
    const { id } = (await made.json()) as { id: string };
    const list = await ask(`${at}/${files}?spaces=appDataFolder&q=${encodeURIComponent("name = 'note.txt'")}`);
    assert.deepEqual(
      ((await list.json()) as { files: { id: string }[] }).files.map((each) => each.id),
      [id],
    );
    assert.equal((await ask(`${at}/${files}/${id}`, { method: "DELETE" })).status, 204);
    assert.equal((await ask(`${at}/${files}/${id}`)).status, 404);
  });

  test("a proxied call for want of a scope says which one is missing, and neither refreshes nor repeats", async (t) => {
    const { ask, fixture, vault } = await testService(t, { shared });
    const code = fixture.standin.code({
      email: "unticked@example.com",
      scope: `openid email ${appData}`,
      grantedScopes: "openid email",
    });
    const { grantId } = await vault.exchangeCode({ code });
    fixture.newRequests();
    const body = await assertProblem(await ask(`/v1/grants/${grantId}/proxy/${files}/appfolder`), "insufficient_scope");
    assert.equal(body["grant_id"], grantId);
    assert.ok((body["missing_scopes"] as string[]).includes(appData), JSON.stringify(body));
    assert.ok(!(body["granted_scopes"] as string[]).includes(appData));
    assert.equal(fixture.newRequests().length, 0);
  });

  test("a proxied call that is refused for another reason is the API's own answer", async (t) => {
    const { ask, fixture, grant } = await testService(t, { shared });
    const { grantId } = await grant();
    fixture.standin.fault("GET", "/drive/v3/files/appfolder", { times: 1, reason: "rateLimitExceeded" });
    const response = await ask(`/v1/grants/${grantId}/proxy/${files}/appfolder`);
    assert.equal(response.status, 403);
    assert.match(await response.text(), /rateLimitExceeded/);
  });

  test("a proxied call sends what an API needs, and nothing of ours", async (t) => {
    let got: IncomingMessage | undefined;
    const { ask, proxied } = await proxiedApi(t, shared, (request, response) => {
      got = request;
      response.setHeader("x-goog-hash", "abc");
      response.setHeader("set-cookie", "a=b");
      response.setHeader("etag", '"1"');
      response.end("ok");
    });
    const response = await ask(`${proxied}/${files}?a=1&a=2&b=%20`, {
      headers: {
        accept: "application/json",
        range: "bytes=0-1",
        cookie: "session=1",
        forwarded: "for=1.2.3.4",
        "x-forwarded-for": "1.2.3.4",
        "x-api-key": "mine",
        "if-none-match": '"0"',
      },
    });
    assert.equal(await response.text(), "ok");
    assert.equal(got?.url, "/drive/v3/files?a=1&a=2&b=%20");
    const { authorization = "", ...headers } = got?.headers ?? {};
    assert.match(authorization, /^Bearer ya29\./);
    assert.deepEqual(
      [headers["accept"], headers["range"], headers["if-none-match"]],
      ["application/json", "bytes=0-1", '"0"'],
    );
    for (const name of ["cookie", "forwarded", "x-forwarded-for", "x-api-key"])
      assert.equal(headers[name], undefined, name);
    assert.doesNotMatch(JSON.stringify(headers), /obk_/);
    assert.deepEqual(
      [response.headers.get("x-goog-hash"), response.headers.get("etag"), response.headers.get("set-cookie")],
      ["abc", '"1"', null],
    );
  });

  for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"]) {
    test(`a proxied call passes ${method} on`, async (t) => {
      const { ask, proxied } = await proxiedApi(t, shared, (request, response) => {
        response.setHeader("x-method", request.method ?? "");
        response.end();
      });
      const response = await ask(`${proxied}/${files}`, { method });
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("x-method"), method);
    });
  }

  test("a proxied call streams both ways: a body and an answer larger than any buffer arrive whole", async (t) => {
    const { ask, proxied } = await proxiedApi(t, shared, (request, response) => {
      response.setHeader("content-type", "application/octet-stream");
      request.pipe(response);
    });
    const megabytes = 8;
    const block = new Uint8Array(1_048_576).fill(7);
    let left = megabytes;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (left-- > 0) controller.enqueue(block.slice());
        else controller.close();
      },
    });
    const response = await ask(`${proxied}/${files}`, { method: "POST", body, duplex: "half" } as RequestInit as never);
    let length = 0;
    for await (const chunk of response.body ?? []) length += chunk.length;
    assert.equal(length, megabytes * 1_048_576);
  });

  test("a proxied call answers a 401 with one refresh and one repeat, its small body sent again", async (t) => {
    const bodies: string[] = [];
    const tokens: (string | undefined)[] = [];
    const { ask, proxied, fixture } = await proxiedApi(t, shared, (request, response) => {
      void bodyOf(request).then((body) => {
        bodies.push(body);
        tokens.push(request.headers.authorization);
        response.writeHead(tokens.length === 1 ? 401 : 200).end();
      });
    });
    fixture.newRequests();
    assert.equal((await ask(`${proxied}/${files}`, { method: "POST", body: "small" })).status, 200);
    assert.deepEqual(bodies, ["small", "small"]);
    assert.notEqual(tokens[0], tokens[1]);
    assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 1 });
  });

  test("proxied calls to an API that refuses every token cost one refresh, whoever calls and however", async (t) => {
    const { ask, proxied, keyFor, fixture } = await proxiedApi(t, shared, (_request, response) =>
      response.writeHead(401).end("not you"),
    );
    fixture.newRequests();
    const keys = [await keyFor("proxy"), await keyFor("proxy", "token")];
    for (let n = 0; n < 24; n += 1) {
      const method = ["GET", "POST", "DELETE", "HEAD"][n % 4] ?? "GET";
      const answer = await ask(`${proxied}/${n % 3 === 0 ? "www" : "drive"}.googleapis.com/x`, {
        method,
        headers: { authorization: `Bearer ${keys[n % 2] ?? ""}` },
        ...(method === "POST" ? { body: "small" } : {}),
      });
      assert.equal(answer.status, 401);
      await answer.text();
    }
    assert.equal(fixture.newRequests().length, 1);
  });

  test("a proxied call hands back a 401 to a body that is too large to be kept", async (t) => {
    let requests = 0;
    const { ask, proxied, fixture } = await proxiedApi(t, shared, (request, response) => {
      requests += 1;
      request.resume().on("end", () => response.writeHead(401, { "www-authenticate": "Bearer" }).end());
    });
    fixture.newRequests();
    const response = await ask(`${proxied}/${files}`, { method: "POST", body: "x".repeat(65_537) });
    assert.deepEqual([response.status, requests], [401, 1]);
    assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 1 });
    assert.equal(response.headers.get("onbehalf-refresh"), "done; not-repeated");
    const again = await ask(`${proxied}/${files}`, { method: "POST", body: "x".repeat(65_537) });
    assert.deepEqual([again.status, outcomes(fixture.newRequests())], [401, {}]);
    assert.match(again.headers.get("onbehalf-refresh") ?? "", /^skipped; retry-after=/);
  });

  test("a proxied call hands back redirects, and statuses without a body", async (t) => {
    const { ask, proxied } = await proxiedApi(t, shared, (request, response) => {
      const status = Number(request.url?.split("/").at(-1));
      response.writeHead(status, { location: "https://attacker.example/" }).end();
    });
    for (const status of [204, 205, 301, 302, 304, 307, 410, 500, 503]) {
      const response = await ask(`${proxied}/www.googleapis.com/${status}`);
      assert.equal(response.status, status);
      await response.text();
    }
  });

  test("a proxied call leaves compression as it came: it is undone once, by the client", async (t) => {
    const { gzipSync } = await import("node:zlib");
    const { ask, proxied } = await proxiedApi(t, shared, (_request, response) => {
      const body = gzipSync("a long text ".repeat(100));
      response.writeHead(200, { "content-encoding": "gzip", "content-length": body.length }).end(body);
    });
    const response = await ask(`${proxied}/${files}`);
    assert.equal(response.headers.get("content-encoding"), "gzip", "as it came: the client undoes it");
    assert.equal(await response.text(), "a long text ".repeat(100));
  });

  const answers: Readonly<Record<string, { sent: string; expected: Record<string, string | null>; body: string }>> = {
    "no type, and a length": { sent: "content-length: 3\r\n\r\na\xe9b", expected: { "content-type": null }, body: "a" },
    "no type, in pieces": {
      sent: "transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
      expected: { "content-type": null },
      body: "a",
    },
    "a name in UTF-8, as it stands": {
      sent: 'content-disposition: attachment; filename="Gr\xc3\xb6\xc3\x9fe.pdf"\r\ncontent-length: 1\r\n\r\na',
      expected: { "content-disposition": 'attachment; filename="Gr\xc3\xb6\xc3\x9fe.pdf"', "content-type": null },
      body: "a",
    },
    "a name in Latin-1, and a body that comes late": {
      sent: "x-name: \xe9\r\ntransfer-encoding: chunked\r\n\r\n",
      expected: { "x-name": "\xe9", "content-type": null },
      body: "late",
    },
    "a word of the server that serves us": {
      sent: "x-hono-already-sent: true\r\ncontent-length: 0\r\n\r\n",
      expected: { "x-hono-already-sent": "true" },
      body: "",
    },
  };
  for (const [what, { sent, expected, body }] of Object.entries(answers)) {
    test(`a proxied call hands back an answer's bytes as they came: ${what}`, async (t) => {
      const { url, key, proxied, faults } = await proxiedApi(t, shared, (_request, response) => {
        response.socket?.write(Buffer.from(`HTTP/1.1 200 OK\r\nconnection: close\r\n${sent}`, "latin1"));
        if (body === "late") setImmediate(() => response.socket?.end("4\r\nlate\r\n0\r\n\r\n"));
        else response.socket?.end();
      });
      const headers = { authorization: `Bearer ${key}` };
      const answer = await rawRequest(url, `${proxied}/${files}`, { headers });
      assert.equal(answer.status, 200);
      for (const [name, value] of Object.entries(expected)) assert.equal(answer.headers.get(name), value, name);
      assert.ok(answer.body.includes(body), answer.body);
      assert.deepEqual(faults, []);
    });
  }

  test("a proxied call by Node's fetch does not show an API what Node's fetch adds", async (t) => {
    let got: IncomingMessage | undefined;
    const { ask, proxied } = await proxiedApi(t, shared, (request, response) => {
      got = request;
      response.end("ok");
    });
    assert.equal((await ask(`${proxied}/${files}`)).status, 200);
    const { host: _host, authorization: _token, ...headers } = got?.headers ?? {};
    assert.deepEqual(headers, {
      accept: "*/*",
      "accept-encoding": "gzip, deflate",
      connection: "keep-alive",
      "user-agent": "onbehalf/0.1.0",
    });
  });

  test("a proxied call sends Google's own headers, and compressed bodies as they are", async (t) => {
    const { gzipSync, gunzipSync } = await import("node:zlib");
    let got: IncomingMessage | undefined;
    let sent = "";
    const { ask, proxied } = await proxiedApi(t, shared, (request, response) => {
      got = request;
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        sent = gunzipSync(Buffer.concat(chunks)).toString();
        response.end();
      });
    });
    const headers = {
      "content-encoding": "gzip",
      "content-type": "application/json",
      "x-goog-fieldmask": "places.id",
      "x-goog-user-project": "my-project",
      "x-goog-upload-protocol": "resumable",
      prefer: "return=minimal",
      "if-match": '"1"',
      "x-http-method-override": "GET",
    };
    const body = gzipSync('{"a":1}');
    assert.equal((await ask(`${proxied}/${files}`, { method: "POST", headers, body })).status, 200);
    assert.equal(sent, '{"a":1}');
    for (const [name, value] of Object.entries(headers)) assert.equal(got?.headers[name], value, name);
    assert.equal(got?.headers["content-length"], String(body.length));
  });

  test("a proxied call whose meaning would change is refused, and nothing is sent", async (t) => {
    let requests = 0;
    const { ask, url, key, proxied, faults } = await proxiedApi(t, shared, (_request, response) => {
      requests += 1;
      response.end();
    });
    const headers = { "x-made-up": "1" };
    const body = await assertProblem(await ask(`${proxied}/${files}`, { headers }), "invalid_request");
    assert.equal(body["parameter"], "x-made-up");
    for (const framing of [
      "content-length: 5\r\n\r\nhello",
      "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ]) {
      const head = [`GET ${proxied}/${files} HTTP/1.1`, "host: x", "connection: close", `authorization: Bearer ${key}`];
      const [answer] = await raw(url, `${head.join("\r\n")}\r\n${framing}`);
      assert.equal(answer?.status, 400);
      assert.match(answer?.body ?? "", /a GET request with a body is not passed on/);
    }
    assert.equal(requests, 0);
    assert.deepEqual(faults, []);
  });

  test("a proxied call announces a large body's length where the caller did, and none for a body that is not there", async (t) => {
    const seen: [string, string | undefined, string | undefined][] = [];
    const { ask, url, key, proxied } = await proxiedApi(t, shared, (request, response) => {
      const { "content-length": length, "transfer-encoding": coding } = request.headers;
      seen.push([request.method ?? "", length, coding]);
      request.resume().on("end", () => response.end());
    });
    await ask(`${proxied}/${files}`, { method: "PUT", body: "x".repeat(100_000) });
    const head = [
      `DELETE ${proxied}/${files} HTTP/1.1`,
      "host: x",
      "connection: close",
      `authorization: Bearer ${key}`,
    ];
    await raw(url, `${head.join("\r\n")}\r\n\r\n`);
    await ask(`${proxied}/${files}`, { method: "POST" });
    assert.deepEqual(seen, [
      ["PUT", "100000", undefined],
      ["DELETE", undefined, undefined],
      ["POST", "0", undefined],
    ]);
  });

  test("a proxied answer keeps what describes its bytes, and loses what is about the connection or our address", async (t) => {
    const { brotliCompressSync } = await import("node:zlib");
    const bytes = brotliCompressSync("a long text ".repeat(100));
    const { url, key, proxied } = await proxiedApi(t, shared, (request, response) => {
      const code = Number(new URL(request.url ?? "", "http://a").searchParams.get("status") ?? 200);
      response.writeHead(code, {
        "content-encoding": "br",
        "content-length": bytes.length,
        "content-range": "bytes 0-9/10",
        etag: '"strong"',
        "alt-svc": 'h3=":443"',
        "strict-transport-security": "max-age=1",
        "set-cookie": "a=b",
        connection: "x-hop",
        "x-hop": "1",
        "x-kept": "1",
      });
      response.end(request.method === "HEAD" || code === 304 ? undefined : bytes);
    });
    const headers = { authorization: `Bearer ${key}`, "accept-encoding": "br" };
    for (const [method, query] of [
      ["GET", ""],
      ["HEAD", ""],
      ["GET", "?status=206"],
      ["GET", "?status=403"],
      ["GET", "?status=304"],
    ] as const) {
      const answer = await rawRequest(url, `${proxied}/${files}${query}`, { method, headers });
      const get = (name: string): string | null => answer.headers.get(name);
      assert.deepEqual(
        ["content-encoding", "etag", "x-kept", "content-range"].map(get),
        ["br", '"strong"', "1", "bytes 0-9/10"],
        `${method} ${query}`,
      );
      assert.equal(get("content-length"), String(bytes.length), `${method} ${query}`);
      for (const name of ["alt-svc", "strict-transport-security", "set-cookie", "x-hop"])
        assert.equal(get(name), null, name);
    }
  });

  test("a proxied call of a caller that reads no compression asks for none", async (t) => {
    let got: IncomingMessage | undefined;
    const { url, key, proxied } = await proxiedApi(t, shared, (request, response) => {
      got = request;
      response.end();
    });
    await rawRequest(url, `${proxied}/${files}`, { headers: { authorization: `Bearer ${key}` } });
    assert.equal(got?.headers["accept-encoding"], "identity");
  });

  test("a proxied call that is refused for want of a scope is understood through compression", async (t) => {
    const { gzipSync } = await import("node:zlib");
    const text = JSON.stringify({ error: { errors: [{ reason: "insufficientPermissions" }] } });
    const { ask, proxied } = await proxiedApi(t, shared, (_request, response) => {
      response.writeHead(403, { "content-encoding": "gzip" }).end(gzipSync(text));
    });
    await assertProblem(await ask(`${proxied}/${files}`), "insufficient_scope");
  });

  test("a proxied 403 that never ends is passed on as it comes, and not kept", async (t) => {
    let sent = 0;
    const { ask, proxied } = await proxiedApi(t, shared, (_request, response) => {
      response.writeHead(403);
      const more = (): void => {
        while (!response.destroyed && sent < 2 ** 30) {
          sent += 65_536;
          if (!response.write(Buffer.alloc(65_536))) {
            response.once("drain", more);
            return;
          }
        }
      };
      more();
    });
    const response = await ask(`${proxied}/${files}`);
    assert.equal(response.status, 403);
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    assert.ok(sent < 2 ** 27, `${sent} bytes were taken from the API for one read`);
  });

  test("a proxied 403 that breaks off in the middle ends in the middle, and is no fault of ours", async (t) => {
    const { ask, proxied, faults } = await proxiedApi(t, shared, (request, response) => {
      response.writeHead(403, { "content-length": 100 });
      response.write("half", () => request.socket.destroy());
    });
    await assert.rejects((await ask(`${proxied}/${files}`)).text());
    assert.deepEqual(faults, []);
  });

  for (const status of [200, 403]) {
    test(`closing the server ends in time, although a proxied answer with ${status} is still being sent`, async (t) => {
      const cut = Promise.withResolvers<void>();
      const { ask, proxied, server, faults } = await proxiedApi(
        t,
        shared,
        (request, response) => {
          request.socket.once("close", () => cut.resolve());
          response.writeHead(status).write(Buffer.alloc(100_000));
        },
        { drainMs: 100 },
      );
      const response = await ask(`${proxied}/${files}`);
      const reading = assert.rejects(response.arrayBuffer());
      await server.close();
      await Promise.all([reading, cut.promise]);
      assert.deepEqual(faults, []);
    });
  }

  test("closing the server ends in time, although an API has not answered", async (t) => {
    const arrived = Promise.withResolvers<void>();
    const { ask, proxied, server, faults } = await proxiedApi(t, shared, () => arrived.resolve(), { drainMs: 100 });
    const waiting = assert.rejects(ask(`${proxied}/${files}`));
    await arrived.promise;
    await Promise.all([server.close(), waiting]);
    assert.deepEqual(faults, []);
  });

  test("a proxied upload that stands still is ended, and no fault of ours", async (t) => {
    const listener: RequestListener = (request, response) => void request.resume().on("end", () => response.end());
    const { url, key, proxied, faults } = await proxiedApi(t, shared, listener, { requestTimeoutMs: 100 });
    const head = [`POST ${proxied}/${files} HTTP/1.1`, "Host: x", `Authorization: Bearer ${key}`];
    const [answer] = await raw(url, [...head, "Content-Length: 100000", "", "some"].join("\r\n"));
    assert.equal(answer?.status, 408);
    assert.deepEqual(faults, []);
  });

  const broken: Readonly<Record<string, RequestListener>> = {
    "cuts the connection": (request) => request.socket.destroy(),
    "answers no HTTP": (request) => request.socket.end("HELLO\r\n\r\n"),
    "answers with headers without end": (_request, response) => {
      response.writeHead(200, { a: "x".repeat(70_000) }).end();
    },
  };
  for (const [name, listener] of Object.entries(broken)) {
    test(`a proxied call to an API that ${name} is provider_unavailable, and no fault of ours`, async (t) => {
      const { ask, proxied, faults } = await proxiedApi(t, shared, listener);
      await assertProblem(await ask(`${proxied}/${files}`), "provider_unavailable");
      assert.deepEqual(faults, []);
    });
  }

  test("a proxied call to an API that breaks off in the middle ends in the middle, and is no fault of ours", async (t) => {
    const { ask, proxied, faults, url } = await proxiedApi(t, shared, (request, response) => {
      response.writeHead(200, { "content-length": 100 });
      response.write("half", () => request.socket.destroy());
    });
    const response = await ask(`${proxied}/${files}`);
    await assert.rejects(response.text());
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
    assert.deepEqual(faults, []);
  });

  for (const [name, framing] of [
    ["a small body", "content-length: 100"],
    ["a large body", "content-length: 1000000"],
    ["a body of no announced length", "transfer-encoding: chunked"],
  ] as const) {
    test(`a proxied call with ${name} that breaks off is nobody's fault: neither ours nor the API's`, async (t) => {
      const listener: RequestListener = (request, response) => {
        request.resume().on("end", () => response.end("{}"));
      };
      const { url, key, proxied, faults } = await proxiedApi(t, shared, listener, { metrics: serviceMetrics() });
      const head = [`POST ${proxied}/${files} HTTP/1.1`, "host: x", `authorization: Bearer ${key}`, framing];
      await raw(url, `${head.join("\r\n")}\r\n\r\n5\r\nhello`, { end: true });
      // The service notices a moment after the socket is gone.
      const said = async (): Promise<string> =>
        (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${key}` } })).text();
      const counted = /^onbehalf_http_requests_total\{.*proxy.*status="(\d+)"/m;
      const metrics = await eventually(said, (text) => counted.test(text));
      assert.equal(counted.exec(metrics)?.[1], "400");
      assert.deepEqual(faults, []);
    });
  }

  test("a proxied call that the client gives up is given up at the API, too", async (t) => {
    const arrived = Promise.withResolvers<void>();
    const cut = Promise.withResolvers<void>();
    const { ask, proxied, faults } = await proxiedApi(t, shared, (request) => {
      request.socket.once("close", () => cut.resolve());
      arrived.resolve();
    });
    const hangUp = new AbortController();
    const waiting = assert.rejects(ask(`${proxied}/${files}`, { signal: hangUp.signal }));
    await arrived.promise;
    hangUp.abort();
    await waiting;
    await cut.promise;
    assert.deepEqual(faults, []);
  });

  test("a proxied call that the client gives up in the middle of the answer is given up at the API, too", async (t) => {
    const cut = Promise.withResolvers<void>();
    const { ask, proxied, faults } = await proxiedApi(t, shared, (request, response) => {
      request.socket.once("close", () => cut.resolve());
      response.writeHead(200);
      response.write("half");
    });
    const hangUp = new AbortController();
    const response = await ask(`${proxied}/${files}`, { signal: hangUp.signal });
    await response.body?.getReader().read();
    hangUp.abort();
    await cut.promise;
    assert.deepEqual(faults, []);
  });

  test("a proxied call with methods that no fetch can send is refused, and no fault of ours", async (t) => {
    const { url, key, proxied, faults } = await proxiedApi(t, shared, (_request, response) => response.end("reached"));
    for (const method of ["TRACE"]) {
      const headers = { authorization: `Bearer ${key}` };
      const { status, body } = await rawRequest(url, `${proxied}/${files}`, { method, headers });
      assert.equal(status, 405, body);
      assert.match(body, /"error":"method_not_allowed"/);
    }
    assert.deepEqual(faults, []);
  });
});

// Each waits for a real second or two, and so they wait together.
describe("a proxied call that takes its time", { concurrency: true }, () => {
  test("a proxied upload may take longer than other requests, while its bytes keep coming", async (t) => {
    const { url, key, proxied, faults } = await proxiedApi(
      t,
      shared,
      (request, response) => {
        let length = 0;
        request.on("data", (chunk: Buffer) => (length += chunk.length));
        request.on("end", () => response.end(`got ${length}`));
      },
      { requestTimeoutMs: 1_000 },
    );
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    t.after(() => socket.destroy());
    const chunks: Buffer[] = [];
    const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    const head = [`POST ${proxied}/${files} HTTP/1.1`, "Host: x", "Connection: close", `Authorization: Bearer ${key}`];
    socket.write([...head, "Content-Length: 100000", "", ""].join("\r\n"));
    // More than twice the limit in all, in steps of a fiftieth of it.
    for (let at = 0; at < 125; at += 1) {
      socket.write(Buffer.alloc(800));
      await sleep(20);
    }
    await ended;
    assert.match(Buffer.concat(chunks).toString(), /got 100000/);
    assert.deepEqual(faults, []);
  });

  const large = "x".repeat(300_000);
  const slow: Readonly<Record<string, RequestListener>> = {
    "is larger than what is searched": (_request, response) => void response.writeHead(403).end(large),
    "begins, and stands still": (_request, response) => void response.writeHead(403).write("no"),
    "has a head and nothing more": (_request, response) => response.writeHead(403).flushHeaders(),
    "comes a byte at a time": (_request, response) => {
      response.writeHead(403);
      const timer = setInterval(() => response.write("x"), 50);
      response.once("close", () => clearInterval(timer));
    },
  };
  for (const tokenRefusals of [undefined, [{ status: 403, word: "TOKEN_GONE" }]] as const) {
    for (const [name, listener] of Object.entries(slow)) {
      const whose = tokenRefusals === undefined ? "" : ", also where the provider's record has a word to look for";
      test(`a proxied 403 that ${name} is passed on${whose}`, async (t) => {
        const { ask, proxied, faults } = await proxiedApi(t, shared, listener, {}, defined({ tokenRefusals }));
        const response = await ask(`${proxied}/${files}`);
        assert.equal(response.status, 403);
        if (name.startsWith("is larger")) assert.equal(await response.text(), large);
        else await response.body?.cancel();
        assert.deepEqual(faults, []);
      });
    }
  }

  test("a proxied 403 for want of a scope is understood from the beginning of a body that does not end", async (t) => {
    const { ask, proxied, faults } = await proxiedApi(t, shared, (_request, response) => {
      response.writeHead(403).write('{"error":{"errors":[{"reason":"insufficientPermissions"}],');
    });
    await assertProblem(await ask(`${proxied}/${files}`), "insufficient_scope");
    assert.deepEqual(faults, []);
  });
});

describe("an address for the proxy", () => {
  const notAllowed = [
    "attacker.example/",
    "googleapis.com/",
    "www.googleapis.com.attacker.example/x",
    "www.googleapis.com./x",
    "xwww-googleapis.com/x",
    "127.0.0.1/x",
    "localhost/x",
    "169.254.169.254/latest/meta-data",
    "metadata.google.internal/x",
    "0x7f000001/x",
    "2130706433/x",
    // Those that give out tokens: there, one grant's token could become another one, with an end of its own.
    "oauth2.googleapis.com/token",
    "sts.googleapis.com/v1/token",
    "sts.mtls.googleapis.com/v1/token",
    "iam.googleapis.com/v1/projects/-/serviceAccounts/x/keys",
    "iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/x:generateAccessToken",
    "iamcredentials.mtls.googleapis.com/x",
    "iamcredentials-mine.p.googleapis.com/x",
    "us-east1-iamcredentials.googleapis.com/x",
    "securetoken.googleapis.com/v1/token",
    "identitytoolkit.googleapis.com/v1/accounts:signUp",
    "www.googleapis.com/oauth2/v4/token",
    "www.googleapis.com/oauth2/v4/%74oken",
    "www.googleapis.com/OAuth2/v3/Token",
    "www.googleapis.com/identitytoolkit/v3/relyingparty/signupNewUser",
    "www.googleapis.com:8443/x",
    "www.googleapis.com:80/x",
  ];
  for (const target of notAllowed) {
    test(`a proxied address is refused where the host is not the provider's: ${target}`, async (t) => {
      const { ask, grant, fixture } = await testService(t, { shared });
      const { grantId } = await grant();
      const since = fixture.standin.log().entries.at(-1)?.seq ?? 0;
      const body = await assertProblem(await ask(`/v1/grants/${grantId}/proxy/${target}`), "host_not_allowed");
      assert.deepEqual(body["allowed"], ["www.googleapis.com", "*.googleapis.com"]);
      assert.deepEqual(fixture.standin.log(since).entries, []);
    });
  }

  const odd = [
    "",
    "/",
    "WWW.googleapis.com/x",
    "www.googleapis.com:443/x",
    "www.googleapis.com:99999/x",
    "www.googleapis.com:08443/x",
    "www.googleapis.com:/x",
    "ada@www.googleapis.com/x",
    "ada:secret@www.googleapis.com/x",
    "www.googleapis.com%2F@attacker.example/x",
    "www.googleapis.com%00.attacker.example/x",
    "www.googleapis.com%09/x",
    "%77ww.googleapis.com/x",
    "[::1]/x",
    "w\u00fcw.googleapis.com/x",
    "https://www.googleapis.com/x",
    "https:www.googleapis.com/x",
    "www.googleapis.com//x",
    "www.googleapis.com/a//b",
    "www.googleapis.com/a%2fb",
    "www.googleapis.com/a%2Fb",
    "www.googleapis.com/a%5cb",
    "www.googleapis.com/a%252fb",
    "www.googleapis.com/a%00b",
    "www.googleapis.com/%2e%2e/b",
    "www.googleapis.com/a/%2e%2e/b",
    "www.googleapis.com/a/.%2e/b",
    "www.googleapis.com/a/%2e/b",
    "www.googleapis.com/a/../b",
    "www.googleapis.com/a/./b",
    "www.googleapis.com/a/..",
    "www.googleapis.com/../attacker.example/b",
    "www.googleapis.com/a\\b",
    "www.googleapis.com\\b",
    "www.googleapis.com/a/..\\b",
    "www.googleapis.com/a;/../b",
    "www.googleapis.com/a%0d%0ax-injected:%20b",
    "www.googleapis.com/a%0ab",
    "www.googleapis.com/a%7f",
    "user@www.googleapis.com/b",
    "www.googleapis.com@attacker.example/b",
    "www.googleapis.com:443@attacker.example/b",
  ];
  for (const target of odd) {
    test(`a proxied address is refused as it came over the wire: ${JSON.stringify(target)}`, async (t) => {
      const { url, key, grant, fixture, faults } = await testService(t, { shared });
      const { grantId } = await grant();
      const since = fixture.standin.log().entries.at(-1)?.seq ?? 0;
      const headers = { authorization: `Bearer ${key}` };
      const { status, body } = await rawRequest(url, `/v1/grants/${grantId}/proxy/${target}`, { headers });
      assert.ok(status === 400 || status === 404, `${status} ${body}`);
      assert.match(body, /"error":"(?:invalid_request|not_found)"/);
      assert.deepEqual(fixture.standin.log(since).entries, [], "nothing was sent anywhere");
      assert.deepEqual(faults, []);
    });
  }

  test("a proxied address is read as one plain https URL, or refused", () => {
    const plain = "www.googleapis.com/drive/v3/files/a-b_c~d.e?alt=media&q=a%2Fb%20'../../'";
    assert.equal(targetUrl(plain).href, `https://${plain.replaceAll("'", "%27")}`);
    // A person's calendar has the person's address as its name.
    const named = "www.googleapis.com/calendar/v3/calendars/ada@example.com/events:quick(a)?b=@";
    assert.equal(targetUrl(named).href, `https://${named}`);
    for (const target of ["www.googleapis.com/a%2fb", "a b/c", "www.googleapis.com/a#b"]) {
      assert.throws(
        () => targetUrl(target),
        (error) => isOnbehalfError(error, "invalid_request"),
      );
    }
  });

  test("a proxied address names the scopes that an API misses", () => {
    const google = JSON.stringify({ error: { errors: [{ reason: "insufficientPermissions" }] } });
    assert.deepEqual(requiredScopes('Bearer error="insufficient_scope", scope="a b"', ""), ["a", "b"]);
    assert.deepEqual(requiredScopes("Bearer error=insufficient_scope", ""), []);
    assert.deepEqual(requiredScopes("", google), []);
    assert.equal(requiredScopes("", "{}"), undefined);
    assert.equal(requiredScopes('Bearer scope="a"', ""), undefined);
  });
});
