import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { headersToCaller } from "../../../src/service/http/answer-headers.ts";
import { raw, testService } from "../../support/test-service.ts";
import { sharedStandin } from "../../support/test-vault.ts";
import type { SharedStandin } from "../../support/test-vault.ts";

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

const at = new URL("https://api.example.com/files/1?x=2");

describe("the headers of an API's answer", () => {
  const ofOurAddress = [
    "set-cookie",
    "set-cookie2",
    "clear-site-data",
    "strict-transport-security",
    "public-key-pins-report-only",
    "content-security-policy",
    "content-security-policy-report-only",
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-expose-headers",
    "service-worker-allowed",
    "refresh",
    "alt-svc",
    "nel",
    "report-to",
    "reporting-endpoints",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "permissions-policy",
    "referrer-policy",
    "x-frame-options",
    "x-content-type-options",
    "sourcemap",
    "speculation-rules",
    "timing-allow-origin",
    "origin-agent-cluster",
    "sec-websocket-accept",
    "accept-ch",
  ];
  for (const name of ofOurAddress) {
    test(`an API's answer passes without a header that would act on our own address: ${name}`, () => {
      const response = new Response(null, { headers: { [name]: "x", "x-kept": "1" } });
      assert.deepEqual(Object.fromEntries(headersToCaller(response, at)), { "x-kept": "1" });
    });
  }

  test("an API's answer keeps what a caller needs to read it and to go on", () => {
    const kept = {
      "cache-control": "private",
      "content-disposition": "attachment",
      "content-encoding": "br",
      "content-range": "bytes 0-1/2",
      "content-type": "text/html",
      etag: '"1"',
      link: '</next>; rel="next"',
      "retry-after": "1",
      "www-authenticate": "Bearer",
      "x-goog-hash": "crc32c=x",
      "x-goog-upload-url": "https://api.example.com/upload",
    };
    assert.deepEqual(Object.fromEntries(headersToCaller(new Response(null, { headers: kept }), at)), kept);
  });

  const places: Readonly<Record<string, string | null>> = {
    "https://other.example/x": "https://other.example/x",
    "/files/2": "https://api.example.com/files/2",
    "2": "https://api.example.com/files/2",
    "?y": "https://api.example.com/files/1?y",
    "//other.example/x": "https://other.example/x",
    "javascript:alert(1)": null,
    "data:text/html,x": null,
    "http://": null,
  };
  for (const [place, expected] of Object.entries(places)) {
    test(`an API's answer names a place at the API, and none of ours: ${place}`, () => {
      const response = new Response(null, { status: 201, headers: { location: place, "content-location": place } });
      const headers = headersToCaller(response, at);
      assert.deepEqual([headers.get("location"), headers.get("content-location")], [expected, expected]);
    });
  }
});

function assertSafe(headers: Headers, about: string): void {
  assert.equal(headers.get("x-content-type-options"), "nosniff", about);
  assert.match(headers.get("content-security-policy") ?? "", /default-src 'none'/, about);
  assert.equal(headers.get("referrer-policy"), "no-referrer", about);
  assert.notEqual(headers.get("cache-control"), null, about);
}

test("every answer of the service says that it is no page, and whether it may be kept", async (t) => {
  const { ask, url, grant } = await testService(t, { shared });
  const { grantId } = await grant();
  const paths = [
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/docs/errors.md",
    "/docs/library.md",
    "/llms.txt",
    "/.well-known/jwks.json",
    "/nowhere",
    "/authcode",
    "/v1/grants",
    `/v1/grants/${grantId}`,
    `/v1/grants/${grantId}/token`,
    `/v1/grants/${grantId}/token?min_ttl_seconds=1`,
    `/v1/grants/${grantId}/token?wrong`,
    `/v1/grants/${grantId}/proxy/www.googleapis.com/drive/v3/files`,
    `/v1/grants/${grantId}/proxy/attacker.example/`,
  ];
  for (const path of paths) {
    const response = await ask(path);
    await response.arrayBuffer();
    assertSafe(response.headers, path);
    // Whoever looks for a version with a known weakness finds none by asking.
    for (const name of ["server", "x-powered-by", "via"]) assert.equal(response.headers.get(name), null, path);
  }
  for (const bytes of [
    "HELLO\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a.1\r\n\r\n",
    "GET /a\\b HTTP/1.1\r\nHost: x\r\n\r\n",
  ]) {
    const [answer] = await raw(url, bytes.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    assertSafe(answer?.headers ?? new Headers(), bytes);
  }
});

describe("the handshake of a WebSocket", () => {
  const handshake = ["Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"];
  const shapes: Readonly<Record<string, readonly string[]>> = {
    whole: ["Connection: Upgrade, close", ...handshake],
    "in capitals": ["Connection: UPGRADE, close", "UPGRADE: WebSocket"],
    "among others": ["Connection: upgrade, close", "Upgrade: h2c, websocket"],
    "without its Upgrade": ["Connection: close", "Sec-WebSocket-Key: x"],
  };
  for (const [name, lines] of Object.entries(shapes)) {
    test(`the handshake of a WebSocket is refused, ${name}, also to an API`, async (t) => {
      const { url, key, grant, faults } = await testService(t, { shared });
      const { grantId } = await grant();
      for (const path of ["/healthz", "/", `/v1/grants/${grantId}/proxy/www.googleapis.com/x`]) {
        const head = [`GET ${path} HTTP/1.1`, "Host: x", `Authorization: Bearer ${key}`, ...lines, "", ""];
        const [answer] = await raw(url, head.join("\r\n"));
        assert.equal(answer?.status, 400, path);
        assert.match(answer.body, /no WebSocket/);
      }
      assert.deepEqual(faults, []);
    });
  }

  test("an offer of another protocol is ignored, as HTTP allows", async (t) => {
    const { url } = await testService(t, { shared });
    const lines = ["Connection: Upgrade, HTTP2-Settings, close", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"];
    const [answer] = await raw(url, ["GET /healthz HTTP/1.1", "Host: x", ...lines, "", ""].join("\r\n"));
    assert.equal(answer?.status, 200);
  });
});
