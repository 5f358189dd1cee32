import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { boundedRequest } from "../../src/oauth/bounded-fetch.ts";
import { outboundFetch } from "../../src/outbound/outbound-fetch.ts";
import { canUseProxies, proxyFor, proxyVariables } from "../../src/outbound/proxy-settings.ts";
import { wireWith } from "../oauth/servers.ts";

const proxy = "http://proxy.example:3128";

describe("a request's proxy", () => {
  const table: readonly (readonly [string, Record<string, string>, string | undefined])[] = [
    ["https://oauth2.googleapis.com/token", {}, undefined],
    ["https://oauth2.googleapis.com/token", { HTTPS_PROXY: proxy }, "HTTPS_PROXY proxy.example:3128"],
    ["https://oauth2.googleapis.com/token", { https_proxy: proxy }, "https_proxy proxy.example:3128"],
    [
      "https://a.example/",
      { https_proxy: proxy, HTTPS_PROXY: "http://other.example" },
      "https_proxy proxy.example:3128",
    ],
    ["https://a.example/", { https_proxy: "", HTTPS_PROXY: proxy }, "HTTPS_PROXY proxy.example:3128"],
    ["https://a.example/", { HTTPS_PROXY: "proxy.example:3128" }, "HTTPS_PROXY proxy.example:3128"],
    ["https://a.example/", { HTTPS_PROXY: " proxy.example " }, "HTTPS_PROXY proxy.example"],
    ["https://a.example/", { HTTPS_PROXY: "http://user:planted@proxy.example:1" }, "HTTPS_PROXY proxy.example:1"],
    ["https://a.example/", { HTTPS_PROXY: "https://proxy.example" }, "HTTPS_PROXY proxy.example"],
    ["https://a.example/", { HTTP_PROXY: proxy }, undefined],
    ["http://a.example/", { HTTP_PROXY: proxy }, "HTTP_PROXY proxy.example:3128"],
    ["http://a.example/", { HTTPS_PROXY: proxy }, undefined],
    ["https://a.example/", { ALL_PROXY: proxy }, undefined],
  ];
  for (const [url, env, expected] of table) {
    test(`a request's proxy to ${url} with ${JSON.stringify(env)}: ${expected ?? "none"}`, () => {
      const found = proxyFor(new URL(url), env);
      assert.ok(found === undefined || "host" in found);
      assert.equal(found === undefined ? undefined : `${found.variable} ${found.host}`, expected);
    });
  }

  const exempt: readonly (readonly [string, string, boolean])[] = [
    ["https://a.example/", "*", true],
    ["https://a.example/", "b.example", false],
    ["https://a.example/", "a.example", true],
    ["https://A.Example./", "a.EXAMPLE", true],
    ["https://a.b.example/", "b.example", true],
    ["https://a.b.example/", ".b.example", true],
    ["https://a.b.example/", "*.b.example", true],
    ["https://ab.example/", "b.example", false],
    ["https://a.example/", "x, a.example", true],
    ["https://a.example/", "x a.example", true],
    ["https://a.example/", ",,", false],
    ["https://a.example/", "a.example:443", true],
    ["https://a.example/", "a.example:8443", false],
    ["https://a.example:8443/", "a.example:8443", true],
    ["https://10.1.2.3/", "10.1.2.3", true],
    ["https://10.1.2.3/", "2.3", false],
    ["https://10.1.2.3/", "10.0.0.0/8", true],
    ["https://11.1.2.3/", "10.0.0.0/8", false],
    ["https://10.1.2.3/", "10.0.0.0/99", false],
    ["https://[fd00::1]/", "fd00::/8", true],
    ["https://[fd00::1]/", "[fd00::1]", true],
    ["https://[fd00::1]/", "fd00::1", true],
    ["https://[2001:db8::1]/", "2001:0DB8:0:0::1", true],
    ["https://[2001:db8::1]/", "2001:db8::2", false],
    ["https://[fd00::1]/", "[fd00::]/8", true],
    ["https://[fe00::1]/", "[fd00::]/8", false],
    ["https://a.b.example/", "b.example.", true],
    ["https://a.m\u00fcnchen.example/", ".m\u00fcnchen.example", true],
    ["https://a.example/", "10.0.0.0/8", false],
  ];
  for (const [url, noProxy, expected] of exempt) {
    test(`a request's proxy to ${url} with NO_PROXY=${noProxy}: ${expected ? "none" : "the proxy"}`, () => {
      for (const name of ["NO_PROXY", "no_proxy"]) {
        assert.equal(proxyFor(new URL(url), { HTTPS_PROXY: proxy, [name]: noProxy }) === undefined, expected, name);
      }
    });
  }

  for (const host of ["localhost", "api.localhost", "127.0.0.1", "127.8.0.1", "[::1]"]) {
    test(`a request's proxy to this machine is none: ${host}`, () => {
      const env = { HTTPS_PROXY: proxy, HTTP_PROXY: proxy };
      for (const scheme of ["http", "https"]) assert.equal(proxyFor(new URL(`${scheme}://${host}:1/`), env), undefined);
    });
  }

  for (const value of [
    "socks5://user:planted@proxy.example:1080",
    "http://",
    "ftp://proxy.example",
    "http://a b",
    '"http://proxy.example:1"',
    "'proxy.example:1'",
  ]) {
    test(`a request's proxy that cannot be used refuses the request, and no other: ${value}`, async () => {
      for (const name of ["HTTPS_PROXY", "https_proxy"]) {
        const env = { [name]: value, NO_PROXY: "b.example" };
        assert.deepEqual(proxyFor(new URL("https://a.example/"), env), { variable: name, unusable: true });
        for (const url of ["https://b.example/", "https://localhost/"])
          assert.equal(proxyFor(new URL(url), env), undefined);
        const found = await boundedRequest(wireWith(), () => outboundFetch(env)("https://a.example/"));
        assert.deepEqual(found, { kind: "silence", sent: false, error: "proxy_unusable" });
        await assert.rejects(outboundFetch(env)("https://a.example/"), (error) => {
          return error instanceof Error && error.message.startsWith(name) && !error.message.includes("planted");
        });
      }
    });
  }

  test("a request's proxy is used by every Node since 24.5", () => {
    const known = { "24.4.1": false, "24.5.0": true, "24.21.0": true, "25.0.0": true, "26.10.0": true };
    for (const [version, expected] of Object.entries(known)) assert.equal(canUseProxies(version), expected, version);
    assert.deepEqual(proxyVariables({ HTTPS_PROXY: " " }), []);
  });
});
