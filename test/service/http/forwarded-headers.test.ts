import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import fc from "fast-check";
import { google, isOnbehalfError, oidc } from "../../../src/index.ts";
import { forwardedHeaders } from "../../../src/service/http/forwarded-headers.ts";

const provider = google({});
const plain = oidc({ name: "plain", issuer: "https://a.example", clientId: "c" });

/** What of these headers would be sent to an API. */
function passed(headers: Record<string, string>, record: Parameters<typeof forwardedHeaders>[1] = provider): object {
  return Object.fromEntries(forwardedHeaders(new Headers(headers), record));
}

describe("a header of a proxied request", () => {
  const passes: readonly string[] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-range",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "prefer",
    "range",
    "user-agent",
    "x-http-method-override",
  ];
  for (const name of passes) {
    test(`a header of HTTP itself is passed on: ${name}`, () => {
      assert.deepEqual(passed({ [name]: "a, b" }, plain), { [name]: "a, b" });
    });
  }

  const googles: readonly string[] = [
    "x-goog-api-client",
    "x-goog-drive-resource-keys",
    "X-Goog-FieldMask",
    "x-goog-user-project",
    "X-Goog-Upload-Command",
    "x-goog-upload-offset",
    "x-goog-upload-protocol",
    "x-goog-request-params",
    "x-upload-content-length",
    "x-upload-content-type",
    "gdata-version",
    "developer-token",
  ];
  for (const name of googles) {
    test(`a header of Google's APIs is passed on to them: ${name}`, () => {
      assert.deepEqual(passed({ [name]: "1" }), { [name.toLowerCase()]: "1" });
    });
    test(`a header of Google's APIs refuses a request to another provider: ${name}`, () => {
      assert.throws(
        () => passed({ [name]: "1" }, plain),
        (error) => isOnbehalfError(error, "invalid_request") && error.details.parameter === name.toLowerCase(),
      );
    });
  }

  for (const name of [
    "depth",
    "destination",
    "notion-version",
    "x-github-api-version",
    "dropbox-api-arg",
    "soapaction",
    "x-unknown",
  ]) {
    test(`a header that an API may need refuses the request, until the record names it: ${name}`, () => {
      assert.throws(
        () => passed({ accept: "*/*", [name]: "1" }, plain),
        (error) =>
          isOnbehalfError(error, "invalid_request") &&
          error.details.parameter === name &&
          error.message.includes(name) &&
          error.hint.includes("forwardHeaders"),
      );
      const shout = name.toUpperCase();
      assert.deepEqual(passed({ [name]: "1" }, { name: "p", forwardHeaders: [shout] }), { [name]: "1" });
      assert.deepEqual(passed({ [name]: "1" }, { name: "p", forwardHeaders: [`${shout.slice(0, -2)}*`] }), {
        [name]: "1",
      });
    });
  }

  const ours: Readonly<Record<string, string>> = {
    authorization: "Bearer obk_x",
    "accept-language": "*",
    connection: "keep-alive, x-hop",
    "content-length": "3",
    cookie: "a=b",
    expect: "100-continue",
    forwarded: "for=1.2.3.4",
    host: "vault.example",
    "keep-alive": "timeout=5",
    origin: "https://a.example",
    "proxy-authorization": "Basic x",
    "proxy-connection": "keep-alive",
    referer: "https://a.example/",
    "sec-ch-ua": "x",
    "sec-fetch-mode": "cors",
    te: "trailers",
    traceparent: "00-1-2-01",
    "transfer-encoding": "chunked",
    upgrade: "h2c",
    "user-agent": "node",
    via: "1.1 lb",
    "x-api-key": "of-a-gateway",
    "x-forwarded-for": "1.2.3.4",
    "x-hop": "named by connection",
    "x-real-ip": "1.2.3.4",
    "x-request-id": "1",
    "x-requested-with": "XMLHttpRequest",
  };
  test("a header that is only between the caller and us is not passed on, and refuses nothing", () => {
    assert.deepEqual(passed(ours), {});
    for (const [name, value] of Object.entries(ours))
      if (name !== "x-hop") assert.deepEqual(passed({ [name]: value }), {}, name);
  });

  test("a request that announces trailers is refused: they would be lost", () => {
    assert.throws(
      () => passed({ trailer: "x-checksum", te: "trailers" }),
      (error) => isOnbehalfError(error, "invalid_request") && error.details.parameter === "trailer",
    );
  });

  test("a header that is only between the caller and us is passed on where the record names it in full", () => {
    const named = (...forwardHeaders: string[]): object => passed(ours, { name: "p", forwardHeaders });
    assert.deepEqual(named("x-request-id", "X-Api-Key"), { "x-request-id": "1", "x-api-key": "of-a-gateway" });
    assert.deepEqual(named("x-*", "*"), {}, "a pattern does not mean them");
  });

  test("a header with the caller's key or about the connection is passed on by no record", () => {
    const never = [
      "authorization",
      "connection",
      "content-length",
      "host",
      "proxy-authorization",
      "te",
      "transfer-encoding",
      "upgrade",
    ];
    assert.deepEqual(passed(ours, { name: "p", forwardHeaders: never }), {});
  });

  test("a header in which a person's language or a program's name stands is passed on", () => {
    const said = { "accept-language": "de, *;q=0.5", "user-agent": "mailer/1.0 (node)" };
    assert.deepEqual(passed(said), said);
  });

  test("a header is passed on unchanged, is one of those between the caller and us, or refuses the request", () => {
    const known = new Set(Object.keys(ours));
    const pieces = fc.constantFrom(
      "x",
      "goog",
      "if",
      "content",
      "sec",
      "accept",
      "type",
      "forwarded",
      "api",
      "key",
      "prefer",
    );
    const names = fc.array(pieces, { minLength: 1, maxLength: 4 }).map((each) => each.join("-"));
    const values = fc.stringMatching(/^[!-~]{1,20}$/);
    const between = /^(?:sec-|x-forwarded-|forwarded$|x-api-key$)/;
    fc.assert(
      fc.property(fc.dictionary(names, values), fc.array(names), (headers, forwardHeaders) => {
        let sent: Record<string, string>;
        try {
          sent = passed(headers, { name: "p", forwardHeaders }) as Record<string, string>;
        } catch (error) {
          assert.ok(isOnbehalfError(error, "invalid_request"));
          const { parameter = "" } = error.details;
          assert.ok(Object.hasOwn(headers, parameter) && !forwardHeaders.includes(parameter), parameter);
          return;
        }
        for (const [name, value] of Object.entries(headers)) {
          if (Object.hasOwn(sent, name)) assert.equal(sent[name], value);
          else assert.ok(known.has(name) || between.test(name), name);
        }
        for (const name of Object.keys(sent)) assert.ok(Object.hasOwn(headers, name), `${name} was made up`);
      }),
    );
  });

  test("a header that is not passed on stands in the documentation", () => {
    const page = readFileSync("docs/http-api.md", "utf8");
    for (const name of ["authorization", "cookies", "x-api-key", "x-forwarded-*", "x-request-id", "origin", "sec-*"]) {
      assert.ok(page.includes(name), name);
    }
  });
});
