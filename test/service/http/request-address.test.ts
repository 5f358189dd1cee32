import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ownHosts } from "../../../src/service/http/own-host.ts";
import { sharedStandin } from "../../support/test-vault.ts";
import type { SharedStandin } from "../../support/test-vault.ts";
import { raw, testService } from "../../support/test-service.ts";

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

const request = (target: string, ...hosts: string[]): string =>
  [`GET ${target} HTTP/1.1`, ...hosts.map((host) => `Host: ${host}`), "Connection: close", "", ""].join("\r\n");

const secret = "/authcode?authCode=canary";
const refused: Readonly<Record<string, string>> = {
  "a Host whose last part is a number": request(secret, "a.1"),
  "a Host that begins like an address": request(secret, "1.2.3.4.5"),
  "a Host that is too large a number": request(secret, "4294967296"),
  "a Host in hexadecimal that is too large": request(secret, "0x1ffffffff"),
  "a Host with a part of an address that is too large": request(secret, "256.0.0.1"),
  "a Host with a label that no name has": request(secret, "xn--"),
  "a Host of dots": request(secret, ".."),
  "an empty Host": request(secret, ""),
  "a Host of white space": request(secret, " "),
  "no Host": request(secret),
  "two Hosts": request(secret, "x", "y"),
  "the same Host twice": request(secret, "x", "x"),
  "two Hosts in one": request(secret, "x, y"),
  "a port that is too large": request(secret, "x:99999"),
  "a port of many digits": request(secret, "x:000080"),
  "a port in words": request(secret, "x:http"),
  "a port without a number": request(secret, "x:"),
  "a port that is negative": request(secret, "x:-1"),
  "two ports": request(secret, "x:80:80"),
  "user info in the Host": request(secret, "ada:secret@x"),
  "an IPv6 address with a zone": request(secret, "[fe80::1%25eth0]"),
  "an IPv6 address with a bare zone": request(secret, "[fe80::1%eth0]"),
  "an IPv6 address without brackets": request(secret, "::1"),
  "an IPv6 address that does not end": request(secret, "[::1"),
  "an IPv6 address that is none": request(secret, "[1::2::3]"),
  "an address of the future": request(secret, "[v1.x]"),
  "a Host with an escape": request(secret, "%61"),
  "a Host with a path": request(secret, "x/y"),
  "a Host with a query": request(secret, "x?y"),
  "a Host with a fragment": request(secret, "x#y"),
  "a Host with a backslash": request(secret, "x\\y"),
  "a Host of bytes that are no ASCII": request(secret, "\u00fc"),
  "a Host that is too long": request(secret, "x".repeat(300)),
  "a whole URL as the target": request(`http://x${secret}`, "x"),
  "a whole URL with user info": request(`http://ada:secret@x${secret}`, "x"),
  "a whole URL with https": request(`https://x${secret}`, "x"),
  "a whole URL in capitals": request(`HTTP://x${secret}`, "x"),
  "a whole URL without a host": request(`http:///${secret}`, "x"),
  "a whole URL of another host": request(`http://a.1${secret}`, "x"),
  "a whole URL of another scheme": request(`ftp://x${secret}`, "x"),
  "a target of two slashes and no host": request(`http:${secret}`, "x"),
  "a star": request("*", "x"),
  "a host and a port": request("x:443", "x"),
};

describe("an address that is none", () => {
  for (const [name, bytes] of Object.entries(refused)) {
    test(`an address that is none: ${name}: answered with 400, and no fault`, async (t) => {
      const { url, faults } = await testService(t, { shared });
      const [answer, ...more] = await raw(url, Buffer.from(bytes, "latin1"));
      assert.ok(answer !== undefined);
      assert.equal(answer.status, 400, answer.body);
      assert.equal(answer.headers.get("content-type"), "application/problem+json");
      assert.match(answer.body, /"error":"invalid_request"/);
      assert.doesNotMatch(answer.body, /canary|secret/);
      assert.deepEqual([more, faults], [[], []]);
    });
  }

  const taken = [
    "localhost",
    "LOCALHOST:80",
    "app.localhost",
    "127.0.0.1:8787",
    "127.8.9.10",
    "0x7f000001",
    "[::1]",
    "[::1]:8787",
    "vault.example.com",
    "VAULT.example.com.:443",
    "a-b_c.internal",
    "a-b_c.internal:1",
  ];
  const known = { publicUrl: "https://vault.example.com/x", allowedHosts: ["A-B_c.internal", "x"] };
  for (const host of taken) {
    test(`a host that is ours is taken: ${host}`, async (t) => {
      const { url, faults } = await testService(t, { shared, ...known });
      const [answer] = await raw(url, request("/healthz", host));
      assert.equal(answer?.status, 200);
      const [notFound] = await raw(url, request("//x/y?a=http://b", host));
      assert.equal(notFound?.status, 404);
      assert.deepEqual(faults, []);
    });
  }

  const foreign = [
    "attacker.example",
    "vault.example.com.attacker.example",
    "xvault.example.com",
    "example.com",
    "localhost.attacker.example",
    "127.0.0.1.attacker.example",
    "127.0.0.1.nip.io",
    "internal",
    "10.0.0.1",
    "169.254.169.254",
    "[::2]",
    "[::ffff:10.0.0.1]",
    "0.0.0.0",
  ];
  for (const host of foreign) {
    test(`a host that is none of ours is refused, though its name may point here: ${host}`, async (t) => {
      const { url, key, grant, fixture, faults } = await testService(t, { shared, ...known });
      const { grantId } = await grant();
      const body = new URLSearchParams({ authCode: fixture.code("rebound@example.com") }).toString();
      fixture.newRequests();
      const post = [
        "POST /authcode HTTP/1.1",
        `Host: ${host}`,
        "X-Requested-With: x",
        "Content-Type: application/x-www-form-urlencoded",
        `Content-Length: ${body.length}`,
        "Connection: close",
        "",
        body,
      ];
      const get = `GET /v1/grants/${grantId}/token HTTP/1.1\r\nAuthorization: Bearer ${key}\r\nConnection: close`;
      const token = `${get}\r\nHost: ${host}\r\n\r\n`;
      // The second time, a token would come the short way.
      assert.equal((await raw(url, `${get}\r\nHost: localhost\r\n\r\n`))[0]?.status, 200);
      for (const bytes of [request("/healthz", host), post.join("\r\n"), token, token]) {
        const [answer] = await raw(url, bytes);
        assert.equal(answer?.status, 403);
        assert.match(answer.body, /"error":"csrf_rejected".*"rule":"origin"/);
      }
      assert.deepEqual([fixture.newRequests(), faults], [[], []]);
    });
  }

  test("an address is ours where the connection came to it, in either family's form", () => {
    const isOwn = ownHosts({});
    assert.equal(isOwn("10.0.0.1", "10.0.0.1"), true);
    assert.equal(isOwn("10.0.0.1", "::ffff:10.0.0.1"), true);
    assert.equal(isOwn("[fd00::1]", "fd00::1"), true);
    assert.equal(isOwn("10.0.0.2", "10.0.0.1"), false);
    assert.equal(isOwn("10.0.0.1", undefined), false);
    assert.equal(isOwn("", ""), false);
  });
});
