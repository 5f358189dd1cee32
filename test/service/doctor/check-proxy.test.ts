import assert from "node:assert/strict";
import { test } from "node:test";
import { checkProxy } from "../../../src/service/doctor/check-proxy.ts";

const proxy = "http://ada:planted@proxy.example:3128";
const google = "https://www.googleapis.com/oauth2/v3/certs";

const table: readonly (readonly [string, string, Record<string, string>, string, RegExp | undefined])[] = [
  ["no variable", google, {}, "26.10.0", undefined],
  ["an empty variable", google, { HTTPS_PROXY: "" }, "26.10.0", undefined],
  [
    "a proxy that is used",
    google,
    { HTTPS_PROXY: proxy },
    "26.10.0",
    /^ok HTTPS_PROXY names proxy\.example:3128: requests to www\.googleapis\.com go through it$/,
  ],
  ["a proxy in lower case", google, { https_proxy: proxy }, "26.10.0", /^ok https_proxy names proxy\.example:3128/],
  [
    "a proxy that this Node cannot use",
    google,
    { HTTPS_PROXY: proxy },
    "24.4.1",
    /^warn HTTPS_PROXY names proxy\.example:3128, and Node 24\.4\.1 cannot use it/,
  ],
  [
    "a provider that NO_PROXY names",
    google,
    { HTTPS_PROXY: proxy, NO_PROXY: ".googleapis.com" },
    "26.10.0",
    /^ok .* go directly: NO_PROXY names it$/,
  ],
  [
    "a provider on this machine",
    "http://127.0.0.1:4600/x",
    { HTTP_PROXY: proxy },
    "26.10.0",
    /^ok .* go directly: it is this machine$/,
  ],
  [
    "a proxy for plain http alone",
    google,
    { HTTP_PROXY: proxy },
    "26.10.0",
    /^warn HTTP_PROXY is not read for www\.googleapis\.com/,
  ],
  ["a variable that nobody reads", google, { ALL_PROXY: proxy }, "26.10.0", /^warn ALL_PROXY is not read/],
  [
    "a variable that nobody reads, beside one that is",
    google,
    { ALL_PROXY: proxy, HTTPS_PROXY: proxy },
    "26.10.0",
    /^ok HTTPS_PROXY names/,
  ],
  [
    "a proxy that cannot be used",
    google,
    { HTTPS_PROXY: "socks5://ada:planted@proxy.example:1080" },
    "26.10.0",
    /^fail HTTPS_PROXY does not name a proxy that can be used$/,
  ],
  [
    "a proxy that cannot be used and is not needed",
    "http://127.0.0.1:4600/x",
    { HTTP_PROXY: "socks5://proxy.example" },
    "26.10.0",
    /^ok .* it is this machine$/,
  ],
];

for (const [name, url, env, version, expected] of table) {
  test(`doctor says which way requests go, with ${name}`, () => {
    const found = checkProxy(url, env, version);
    assert.ok(!JSON.stringify(found).includes("planted"), "a proxy's password is shown");
    if (expected === undefined) {
      assert.deepEqual(found, []);
      return;
    }
    assert.equal(found.length, 1);
    assert.match(found.map(({ status, message }) => `${status} ${message}`).join("\n"), expected);
    if (found[0]?.status !== "ok") assert.notEqual(found[0]?.hint ?? "", "");
  });
}
