import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { sharedStandin } from "../../support/test-vault.ts";
import type { SharedStandin } from "../../support/test-vault.ts";
import { statusOf } from "../../support/problem.ts";
import { raw, testService } from "../../support/test-service.ts";
import type { RawAnswer, TestService } from "../../support/test-service.ts";
import { pathOf, routes } from "./route-table.ts";

/** Another one each time; a failure prints it, and `FUZZ_SEED` brings it back. */
const seed = Number(process.env["FUZZ_SEED"] ?? randomInt(2 ** 31));

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

/** Characters that mean something to some parser on the way. */
const spice = [
  "/",
  "\\",
  "%",
  "%2f",
  "%2F",
  "%5c",
  "%00",
  "%0d%0a",
  "..",
  ".",
  "//",
  "?",
  "&",
  "=",
  ";",
  ":",
  "@",
  "#",
  "~",
  "é",
  "\u0001",
];
const piece = fc.oneof(
  fc.constantFrom(
    ...spice,
    "v1",
    "grants",
    "token",
    "proxy",
    "www.googleapis.com",
    "sub:",
    "ext:",
    "g_",
    "authcode",
    "healthz",
  ),
  fc.string({ maxLength: 8 }),
);
/** No line break and no space: the request line itself stays one. */
const oneLine = (text: string): string => text.replaceAll(/[\r\n ]/g, "");
const wildPath = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${oneLine(pieces.join(""))}`);
const knownPath = fc
  .tuple(fc.constantFrom(...routes), fc.array(piece, { maxLength: 4 }), fc.string({ maxLength: 20 }))
  .map(([route, pieces, query]) => `${pathOf(route, oneLine(pieces.join("")))}?${oneLine(query)}`);
const method = fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "PROPFIND");
const headerValue = fc.string({ maxLength: 30 }).map((text) => text.replaceAll(/[\r\n]/g, ""));
const headers = fc.dictionary(
  fc.constantFrom(
    "content-type",
    "accept",
    "range",
    "x-requested-with",
    "origin",
    "sec-fetch-site",
    "content-encoding",
    "if-match",
    "expect",
    "x-a",
  ),
  fc.oneof(
    headerValue,
    fc.constantFrom(
      "application/json",
      "application/x-www-form-urlencoded",
      "application/json; charset=",
      "null",
      "same-origin",
    ),
  ),
);
const body = fc.oneof(
  fc.constant(Buffer.alloc(0)),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.json().map((text) => Buffer.from(text)),
  fc
    .array(
      fc.tuple(
        fc.constantFrom("authCode", "code", "source", "nonce", "redirect_uri", "scope", "provider"),
        fc.string(),
      ),
    )
    .map((pairs) => Buffer.from(new URLSearchParams(pairs).toString())),
);

const bytesOf = (verb: string, path: string, more: Record<string, string>, content: Buffer): Buffer => {
  const lines = Object.entries({ host: "x", connection: "close", "content-length": content.length, ...more });
  const text = `${verb} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
  return Buffer.concat([Buffer.from(text), content]);
};

/** Whatever was sent: an answer that is documented, and none that blames us or tells a secret. */
function assertDocumented(answers: readonly RawAnswer[], { faults }: TestService): void {
  assert.deepEqual(faults, []);
  for (const { status, headers: got, body: text } of answers) {
    // The pages of the documentation, which are the same for everybody, show what tokens look like.
    const isPage = /^text\/(?:markdown|html);/.test(got.get("content-type") ?? "");
    if (!isPage) assert.doesNotMatch(text, /ya29\.|1\/\/0|GOCSPX-|obk_[0-9a-f]{16}_|at .*\.ts:\d+/);
    if (got.get("content-type") !== "application/problem+json") {
      assert.ok(status < 400, `${status} without a problem: ${text.slice(0, 200)}`);
      continue;
    }
    assert.ok(status < 500, `${status} ${text.slice(0, 300)}`);
    if (text === "") continue; // a head
    const problem = JSON.parse(text) as Record<string, unknown>;
    const code = String(problem["error"]);
    assert.ok(code in statusOf, code);
    assert.equal(problem["status"], status);
    assert.ok([statusOf[code], 408, 431].includes(status), `${code} ${status}`);
    assert.ok(typeof problem["hint"] === "string" && problem["error_uri"] === `/docs/errors.md#${code}`);
  }
}

describe(`requests made up at random (FUZZ_SEED=${seed})`, () => {
  for (const [name, path] of [
    ["to any address", wildPath],
    ["to routes that exist", knownPath],
  ] as const) {
    test(`random requests ${name} get a documented answer, never one that blames us (FUZZ_SEED=${seed})`, async (t) => {
      const service = await testService(t, { shared });
      const authorization = `Bearer ${service.key}`;
      await fc.assert(
        fc.asyncProperty(method, path, headers, body, fc.boolean(), async (verb, at, more, content, known) => {
          const sent = { ...more, ...(known ? { authorization } : {}) };
          assertDocumented(await raw(service.url, bytesOf(verb, at, sent, content)), service);
        }),
        { seed, numRuns: 300 },
      );
      assert.equal((await fetch(`${service.url}/healthz`)).status, 200);
    });
  }

  test(`a valid request with some bytes changed gets a documented answer (FUZZ_SEED=${seed})`, async (t) => {
    const service = await testService(t, { shared });
    const { grantId } = await service.grant();
    const sound = bytesOf(
      "POST",
      `/v1/grants/${grantId}/proxy/www.googleapis.com/drive/v3/files`,
      { authorization: `Bearer ${service.key}`, "content-type": "application/json" },
      Buffer.from('{"name":"a"}'),
    );
    const change = fc.tuple(fc.nat(sound.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const bytes = Buffer.from(sound);
        for (const [at, value] of changes) bytes[at] = value;
        // A request whose length was made longer waits for more: the end of what is sent says that there is none.
        assertDocumented(await raw(service.url, bytes, { end: true }), service);
      }),
      { seed, numRuns: 300 },
    );
    assert.equal((await fetch(`${service.url}/healthz`)).status, 200);
  });
});
