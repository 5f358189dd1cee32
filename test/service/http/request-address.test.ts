import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
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

  const taken = ["localhost", "LOCALHOST:80", "127.0.0.1:8787", "[::1]", "[::1]:8787", "a-b_c.d", "a.b.", "0x7f000001"];
  for (const host of taken) {
    test(`an address that is one is taken: ${host}`, async (t) => {
      const { url, faults } = await testService(t, { shared });
      const [answer] = await raw(url, request("/healthz", host));
      assert.equal(answer?.status, 200);
      const [notFound] = await raw(url, request("//x/y?a=http://b", host));
      assert.equal(notFound?.status, 404);
      assert.deepEqual(faults, []);
    });
  }
});
