import assert from "node:assert/strict";
import { request } from "node:http";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { type Standin } from "../../../src/standin/index.ts";
import { testStandin } from "../../support/test-standin.ts";
import { appData, grant } from "../talk.ts";

const paths = [
  "/o/oauth2/v2/auth",
  "/signin/account",
  "/signin/consent",
  "/token",
  "/revoke",
  "/oauth2/v3/certs",
  "/.well-known/openid-configuration",
  "/v1/userinfo",
  "/oauth2/v2/userinfo",
  "/tokeninfo",
  "/drive/v3/files",
  "/drive/v3/files/appfolder",
  "/drive/v3/files/%E0%A4%A",
  "/upload/drive/v3/files",
  "/upload/drive/v3/files/x",
  "/picture/1.svg",
  "/account/access",
  "/gsi/client",
  "/standin/code",
  "/standin/settings",
  "/standin/clients",
  "/standin/people",
  "/standin/risc",
  "/standin/revoke",
  "/standin/log",
  "/nothing",
  "//",
  "/..%2f",
];

const names = [
  "grant_type",
  "code",
  "refresh_token",
  "client_id",
  "client_secret",
  "redirect_uri",
  "scope",
  "token",
  "id_token",
  "request",
  "email",
  "decision",
  "uploadType",
  "upload_id",
  "fields",
  "q",
  "pageSize",
  "spaces",
  "alt",
  "since",
];

/** Sends exactly this: `fetch` would refuse some of it, and change other parts. */
function send(
  standin: Standin,
  parts: { method: string; path: string; headers: Record<string, string>; body: Buffer | string },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const { port, hostname } = new URL(standin.url);
    const { body, ...rest } = parts;
    const sent = request({ port, hostname, ...rest, agent: false }, (response) => {
      response.resume();
      response.once("end", () => {
        resolve(response.statusCode ?? 0);
      });
    });
    sent.once("error", reject);
    sent.end(body);
  });
}

describe("bad input", () => {
  test("the stand-in never gets a 5xx, whatever is sent where", async () => {
    await using standin = await testStandin();
    const { accessToken, refreshToken } = await grant(
      standin,
      "ada@example.com",
      `${appData} https://www.googleapis.com/auth/drive`,
    );
    const value = fc.oneof(
      fc.constantFrom(
        standin.clientId,
        standin.clientSecret,
        accessToken,
        refreshToken,
        "authorization_code",
        "refresh_token",
      ),
      fc.constantFrom(
        "",
        "4/0Ax",
        "ada@example.com",
        "http://127.0.0.1/cb",
        "postmessage",
        "openid",
        "allow",
        "multipart",
        "resumable",
      ),
      // Any code point. `unit: "binary"` means the same, and builds a table of all of them first, which takes a second.
      fc
        .array(fc.integer({ min: 0, max: 0x10ffff }), { maxLength: 40 })
        .map((points) => String.fromCodePoint(...points)),
    );
    const form = fc
      .array(fc.tuple(fc.oneof(fc.constantFrom(...names), fc.string({ maxLength: 8 })), value), { maxLength: 8 })
      .map((pairs) => new URLSearchParams(pairs).toString());
    const body = fc.oneof(
      form,
      fc.json({ maxDepth: 3 }),
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc.constant("--b\r\n\r\n{}\r\n--b\r\n\r\nx\r\n--b--"),
    );
    const type = fc.constantFrom(
      "application/x-www-form-urlencoded",
      "application/json",
      "multipart/related; boundary=b",
      "text/plain; charset=odd",
      "",
    );
    const authorization = fc.oneof(
      fc.constantFrom(
        `Bearer ${accessToken}`,
        `Basic ${btoa(`${standin.clientId}:${standin.clientSecret}`)}`,
        "Basic ?",
        "Bearer",
        "",
      ),
      fc.base64String({ maxLength: 30 }).map((text) => `Basic ${text}`),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"),
        fc.constantFrom(...paths),
        form,
        fc.tuple(type, authorization, fc.constantFrom("", "bytes 0-1/2", "bytes */*", "bytes x")),
        body,
        async (method, path, query, [contentType, auth, range], sent) => {
          const all = { "content-type": contentType, authorization: auth, "content-range": range };
          const headers = Object.fromEntries(Object.entries(all).filter(([, given]) => given !== ""));
          const target = query === "" ? path : `${path}?${query}`;
          const bodyless = method === "GET" || method === "HEAD";
          const status = await send(standin, { method, path: target, headers, body: bodyless ? "" : sent });
          assert.ok(status >= 200 && status < 500, `${method} ${target}: ${String(status)}`);
        },
      ),
      { numRuns: 800 },
    );
  });

  test("the stand-in refuses a body by its size before it reads it", async () => {
    await using standin = await testStandin();
    const body = Buffer.alloc(70_000, "a");
    const headers = { "content-type": "application/x-www-form-urlencoded", "content-length": String(body.length) };
    const response = await fetch(`${standin.url}/token`, { method: "POST", headers, body });
    assert.equal(response.status, 413);
    assert.equal((await fetch(`${standin.url}/token`, { method: "POST", body: "" })).status, 400);
  });
});
