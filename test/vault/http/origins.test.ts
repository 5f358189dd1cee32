import assert from "node:assert/strict";
import { test } from "node:test";
import { isOnbehalfError } from "../../../src/index.ts";
import { allowedOrigin } from "../../../src/vault/http/origins.ts";

const origins: readonly (readonly [string, string])[] = [
  ["https://app.example.com", "https://app.example.com"],
  ["https://app.example.com/", "https://app.example.com"],
  ["HTTPS://App.Example.COM", "https://app.example.com"],
  ["https://app.example.com:443/", "https://app.example.com"],
  ["http://app.example.com:80", "http://app.example.com"],
  ["https://app.example.com:8443/", "https://app.example.com:8443"],
  ["https://m\u00fcnchen.example", "https://xn--mnchen-3ya.example"],
  ["http://[::1]:3000/", "http://[::1]:3000"],
  ["http://localhost", "http://localhost"],
  ["capacitor://localhost", "capacitor://localhost"],
  ["capacitor://localhost/", "capacitor://localhost"],
  ["ionic://localhost", "ionic://localhost"],
  ["tauri://localhost", "tauri://localhost"],
  ["app://-", "app://-"],
  ["file://", "file://"],
  ["chrome-extension://abcdefghijklmnopabcdefghijklmnop", "chrome-extension://abcdefghijklmnopabcdefghijklmnop"],
  ["moz-extension://0B0F3A4C-1111-2222-3333-444455556666/", "moz-extension://0b0f3a4c-1111-2222-3333-444455556666"],
];

for (const [written, sent] of origins) {
  test(`an origin is read as browsers send it: ${written}`, () => assert.equal(allowedOrigin(written), sent));
}

const refused = [
  "null",
  "*",
  "app.example.com",
  "https://",
  "https://*.example.com",
  "https://app.example.com/path",
  "https://app.example.com//",
  "https://app.example.com?",
  "https://app.example.com/#",
  "https://user:planted@app.example.com",
  "https://app.example.com\\",
  "https://app.example.com:99999",
  '"https://app.example.com"',
  "capacitor://",
  "javascript:alert(1)",
  "data:text/html,x",
];

for (const written of refused) {
  test(`an origin is refused where it is none: ${written}`, () => {
    assert.throws(
      () => allowedOrigin(written),
      (error) => isOnbehalfError(error, "configuration_invalid") && !error.message.includes("planted"),
    );
  });
}
