import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isOnbehalfError } from "../../src/core/errors.ts";
import { discover } from "../../src/oauth/discovery.ts";
import { isConfidential } from "../../src/oauth/confidential-url.ts";
import type { Endpoints } from "../../src/providers/provider.ts";
import { deadPort, recorder, wireWith } from "./servers.ts";

const issuer = "https://id.example/tenant";
const document = {
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  jwks_uri: `${issuer}/keys`,
  revocation_endpoint: `${issuer}/revoke`,
};
const endpoints: Endpoints = {
  authorizationEndpoint: `${issuer}/authorize`,
  tokenEndpoint: `${issuer}/token`,
  jwksUri: `${issuer}/keys`,
  revocationEndpoint: `${issuer}/revoke`,
};

/** Discovery by a fetch that answers this, and the addresses it was asked for. */
async function discovering(body: unknown, of = issuer, status = 200): Promise<{ found: Endpoints; asked: string[] }> {
  const asked: string[] = [];
  const wire = wireWith({
    fetch: async (url) => {
      asked.push(new Request(url).url);
      return new Response(typeof body === "string" ? body : JSON.stringify(body), { status });
    },
  });
  return { found: await discover({ issuer: of }, wire), asked };
}

describe("discover", () => {
  test("discover reads the endpoints at the issuer's well-known address", async () => {
    const { found, asked } = await discovering(document);
    assert.deepEqual(found, endpoints);
    assert.deepEqual(asked, [`${issuer}/.well-known/openid-configuration`]);
  });

  test("discover joins the address without a second slash, and compares the issuer as it was written", async () => {
    const slashed = `${issuer}/`;
    const { asked } = await discovering({ ...document, issuer: slashed }, slashed);
    assert.deepEqual(asked, [`${issuer}/.well-known/openid-configuration`]);
    await assert.rejects(discovering(document, slashed), (error) => isOnbehalfError(error, "configuration_invalid"));
  });

  test("discover does without a revocation endpoint", async () => {
    const { revocation_endpoint: _, ...rest } = document;
    const { revocationEndpoint: __, ...expected } = endpoints;
    assert.deepEqual((await discovering(rest)).found, expected);
  });

  test("discover accepts plain http on this machine alone", async () => {
    const local = { ...document, token_endpoint: "http://127.0.0.1:4600/token", jwks_uri: "http://[::1]:4600/keys" };
    assert.equal((await discovering(local)).found.tokenEndpoint, "http://127.0.0.1:4600/token");
  });

  const mistakes: readonly (readonly [string, object, RegExp])[] = [
    ["another issuer's document", { ...document, issuer: "https://evil.example" }, /another issuer/],
    ["a document without an issuer", { ...document, issuer: undefined }, /another issuer/],
    ["no token endpoint", { ...document, token_endpoint: undefined }, /no token_endpoint/],
    ["a token endpoint that is no address", { ...document, token_endpoint: "/token" }, /no token_endpoint/],
    ["no authorization endpoint", { ...document, authorization_endpoint: 7 }, /no authorization_endpoint/],
    ["no keys", { ...document, jwks_uri: null }, /no jwks_uri/],
    ["a revocation endpoint that is no address", { ...document, revocation_endpoint: "" }, /no revocation_endpoint/],
    [
      "secrets sent in clear",
      { ...document, token_endpoint: "http://id.example/token" },
      /token_endpoint without https/,
    ],
    ["keys read in clear", { ...document, jwks_uri: "http://id.example/keys" }, /jwks_uri without https/],
    ["tokens revoked in clear", { ...document, revocation_endpoint: "http://id.example/r" }, /without https/],
    ["an endpoint in a file", { ...document, jwks_uri: "file:///etc/passwd" }, /without https/],
  ];
  for (const [what, wrong, message] of mistakes) {
    test(`discover refuses ${what}`, async () => {
      await assert.rejects(discovering(wrong), (error) => {
        assert.ok(isOnbehalfError(error, "configuration_invalid"));
        assert.match(error.message, message);
        assert.deepEqual(error.details.problems, [error.message]);
        return true;
      });
    });
  }

  const outages: readonly (readonly [string, unknown, number])[] = [
    ["an outage", document, 503],
    ["no document", "<html>", 404],
    ["a page", "<html>", 200],
    ["half a document", JSON.stringify(document).slice(0, 50), 200],
    ["a huge document", "x".repeat(70_000), 200],
  ];
  for (const [what, body, status] of outages) {
    test(`discover calls ${what} the provider's trouble`, async () => {
      await assert.rejects(discovering(body, issuer, status), (error) => {
        assert.ok(isOnbehalfError(error, "provider_unavailable"));
        assert.equal(error.details.issuer, issuer);
        return true;
      });
    });
  }

  test("discover follows no redirect, and calls it and a dead port the provider's trouble", async (t) => {
    const elsewhere = await recorder(t, () => ({ body: document }));
    const { url } = await recorder(t, () => ({ status: 302, headers: { location: elsewhere.url } }));
    for (const issuer of [url, await deadPort()]) {
      await assert.rejects(discover({ issuer }, wireWith()), (error) => isOnbehalfError(error, "provider_unavailable"));
    }
    assert.equal(elsewhere.requests.length, 0);
  });
});

describe("isConfidential", () => {
  const addresses: readonly (readonly [string, boolean])[] = [
    ["https://id.example/token", true],
    ["https://10.0.0.1/token", true],
    ["http://127.0.0.1:4600/token", true],
    ["http://127.8.9.10/token", true],
    ["http://127.1/token", true],
    ["http://[::1]/token", true],
    ["http://localhost/token", true],
    ["http://LOCALHOST/token", true],
    ["http://id.example/token", false],
    ["http://10.0.0.1/token", false],
    ["http://localhost.example/token", false],
    ["http://127.0.0.1.example/token", false],
    ["http://127.0.0.1@id.example/token", false],
    ["http://[::ffff:10.0.0.1]/token", false],
    ["ftp://127.0.0.1/token", false],
    ["file:///token", false],
    ["/token", false],
    ["", false],
  ];
  for (const [address, expected] of addresses) {
    test(`isConfidential says ${expected} of ${JSON.stringify(address)}`, () =>
      assert.equal(isConfidential(address), expected));
  }
});
