import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isOnbehalfError } from "../../src/core/errors.ts";
import { discover } from "../../src/oauth/discovery.ts";
import { isConfidential } from "../../src/core/confidential-url.ts";
import type { Metadata } from "../../src/oauth/provider-metadata.ts";
import { oauth2 } from "../../src/providers/oauth2.ts";
import { oidc } from "../../src/providers/oidc.ts";
import type { OidcOptions } from "../../src/providers/oidc.ts";
import type { Client, Endpoints } from "../../src/providers/provider.ts";
import { Secret } from "../../src/core/secret.ts";
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

const confidential: Client = { clientId: "app", clientSecret: new Secret("s3cret") };

/** Discovery by a fetch that answers this, and the addresses it was asked for. */
async function discovering(
  body: unknown,
  of = issuer,
  status = 200,
  more: Partial<OidcOptions> = {},
  client = confidential,
): Promise<{ found: Endpoints; metadata: Metadata; asked: string[] }> {
  const asked: string[] = [];
  const wire = wireWith({
    fetch: async (url) => {
      asked.push(new Request(url).url);
      return new Response(typeof body === "string" ? body : JSON.stringify(body), { status });
    },
  });
  const provider = oidc({ name: "p", issuer: of, clientId: "app", ...more });
  const metadata = await discover(provider, client, wire);
  return { found: metadata.endpoints, metadata, asked };
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
    assert.deepEqual((await discovering({ ...document, revocation_endpoint: null })).found, expected, "null is absent");
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
    [
      "keys alone as authentication",
      { ...document, token_endpoint_auth_methods_supported: ["private_key_jwt", "tls_client_auth"] },
      /token_endpoint_auth_methods_supported lists private_key_jwt, tls_client_auth$/,
    ],
    [
      "methods that are no list",
      { ...document, token_endpoint_auth_methods_supported: 7 },
      /token_endpoint_auth_methods_supported that cannot be used: it must be a list of texts, and is a number$/,
    ],
    [
      "methods that are no texts",
      { ...document, revocation_endpoint_auth_methods_supported: [7] },
      /revocation_endpoint_auth_methods_supported that cannot be used: .* and is a list of something else$/,
    ],
    [
      "algorithms of which we accept none",
      { ...document, id_token_signing_alg_values_supported: ["HS256", "none"] },
      /lists HS256, none, and idTokenAlgorithms is RS256, ES256, PS256, EdDSA$/,
    ],
    [
      "algorithms that are an object",
      { ...document, id_token_signing_alg_values_supported: { RS256: true } },
      /id_token_signing_alg_values_supported that cannot be used: it must be a list of texts, and is an object$/,
    ],
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

  test("discover names everything that is wrong at once", async () => {
    const wrong = { issuer: "https://evil.example", id_token_signing_alg_values_supported: ["HS256"] };
    await assert.rejects(discovering(wrong), (error) => {
      assert.ok(isOnbehalfError(error, "configuration_invalid"));
      assert.equal(error.details.problems.length, 5, error.details.problems.join("\n"));
      return true;
    });
  });

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
      await assert.rejects(discover(oidc({ name: "p", issuer, clientId: "app" }), confidential, wireWith()), (error) =>
        isOnbehalfError(error, "provider_unavailable"),
      );
    }
    assert.equal(elsewhere.requests.length, 0);
  });
});

describe("what a discovery document says of authentication", () => {
  const post = "client_secret_post";
  const basic = "client_secret_basic";
  const methods: readonly (readonly [string, unknown, string, string])[] = [
    ["nothing: Basic is the rule", undefined, basic, basic],
    ["null, which is nothing", null, basic, basic],
    ["an empty list, which is nothing", [], basic, basic],
    ["Basic alone", [basic], basic, basic],
    ["post alone", [post], post, post],
    ["both: in the body", [basic, post], post, post],
    ["keys beside Basic", ["private_key_jwt", basic, "tls_client_auth"], basic, basic],
    ["none alone: the secret stays here", ["none"], "none", "none"],
    ["none beside Basic", ["none", basic], basic, basic],
    ["Basic in a text", basic, basic, basic],
    ["both in a text", `${basic}, ${post}`, post, post],
    ["both in a text with spaces", ` ${basic} ${post} `, post, post],
    ["an empty text, which is nothing", "", basic, basic],
    ["post in capitals", ["CLIENT_SECRET_POST"], post, post],
    ["post with dashes", ["client-secret-post"], post, post],
    ["Basic beside what is no text", [null, 7, ` ${basic}`], basic, basic],
  ];
  for (const [what, token_endpoint_auth_methods_supported, atToken, atRevocation] of methods) {
    test(`a document that says ${what}, is done as it says`, async () => {
      const { metadata } = await discovering({ ...document, token_endpoint_auth_methods_supported });
      assert.deepEqual([metadata.authentication, metadata.revocationAuthentication], [atToken, atRevocation]);
    });
  }

  test("a client without a secret sends its id alone, whatever the document lists", async () => {
    for (const listed of [undefined, [basic], ["private_key_jwt"], ["none"]]) {
      const asked = { ...document, token_endpoint_auth_methods_supported: listed };
      const { metadata } = await discovering(asked, issuer, 200, {}, { clientId: "app" });
      assert.equal(metadata.authentication, "none");
    }
  });

  test("the revocation endpoint has a list of its own, and follows the token endpoint where that says nothing of use", async () => {
    const lists: readonly (readonly [unknown, string])[] = [
      [undefined, post],
      [null, post],
      [[basic], basic],
      [[post, basic], post],
      [["none"], "none"],
      [["private_key_jwt"], post],
    ];
    for (const [revocation_endpoint_auth_methods_supported, expected] of lists) {
      const { metadata } = await discovering({
        ...document,
        token_endpoint_auth_methods_supported: [post],
        revocation_endpoint_auth_methods_supported,
      });
      assert.deepEqual([metadata.authentication, metadata.revocationAuthentication], [post, expected]);
    }
  });

  test("a method in the configuration counts, unless the document says that its token endpoint does not accept it", async () => {
    const asked = { ...document, token_endpoint_auth_methods_supported: [basic] };
    const configured = { clientAuthentication: post } as const;
    await assert.rejects(
      discovering(asked, issuer, 200, configured),
      /does not accept client_secret_post, to which p is set: .* lists client_secret_basic$/,
    );
    assert.equal((await discovering(document, issuer, 200, configured)).metadata.authentication, post);
    const byHand = { ...configured, endpoints: { tokenEndpoint: "https://id.example/by-hand" } };
    const { metadata } = await discovering(asked, issuer, 200, byHand);
    assert.equal(metadata.authentication, post);
    assert.equal(metadata.endpoints.tokenEndpoint, "https://id.example/by-hand");
    assert.equal(metadata.endpoints.jwksUri, document.jwks_uri);
  });
});

describe("what a discovery document says of algorithms", () => {
  test("only what both sides name is accepted, and a document that says nothing leaves our list", async () => {
    const lists: readonly (readonly [unknown, readonly string[]])[] = [
      [["RS256"], ["RS256"]],
      [
        ["HS256", "ES256", "RS256", "none"],
        ["RS256", "ES256"],
      ],
      [undefined, ["RS256", "ES256", "PS256", "EdDSA"]],
      [null, ["RS256", "ES256", "PS256", "EdDSA"]],
      [[], ["RS256", "ES256", "PS256", "EdDSA"]],
    ];
    for (const [id_token_signing_alg_values_supported, expected] of lists) {
      const { metadata } = await discovering({ ...document, id_token_signing_alg_values_supported });
      assert.deepEqual(metadata.idTokenAlgorithms, expected);
    }
  });
});

describe("a discovery document's issuer", () => {
  const common = "https://login.example/common/v2.0";
  const pattern = { ...document, issuer: "https://login.example/{tenantid}/v2.0" };

  test("a document for several tenants is accepted where the record has its pattern, with another word in the braces", async () => {
    const alsoIssuedAs = ["https://login.example/{tid}/v2.0"];
    assert.ok((await discovering(pattern, common, 200, { alsoIssuedAs })).found);
    for (const other of ["https://login.example/{tid}/v1.0", "https://evil.example/{tid}/v2.0"]) {
      await assert.rejects(discovering(pattern, common, 200, { alsoIssuedAs: [other] }), /another issuer/);
    }
  });

  const hints: readonly (readonly [string, unknown, string, RegExp])[] = [
    [
      "a slash at the end",
      `${issuer}/`,
      issuer,
      /only in the slash at the end: set issuer to "https:\/\/id\.example\/tenant\/"/,
    ],
    [
      "no slash at the end",
      issuer,
      `${issuer}/`,
      /only in the slash at the end: set issuer to "https:\/\/id\.example\/tenant"/,
    ],
    ["a pattern", pattern.issuer, common, /several tenants.*\{tid\}/],
    ["another name", "https://other.example", issuer, /set issuer to "https:\/\/other\.example"/],
    ["no name", null, issuer, /check that issuer is right/],
  ];
  for (const [what, theirs, ours, hint] of hints) {
    test(`a document with ${what} is refused with both names, and what to do`, async () => {
      await assert.rejects(discovering({ ...document, issuer: theirs }, ours), (error) => {
        assert.ok(isOnbehalfError(error, "configuration_invalid"));
        assert.ok(error.message.includes(`p is set to ${JSON.stringify(ours)}`), error.message);
        if (theirs !== null) assert.ok(error.message.includes(`says ${JSON.stringify(theirs)}`), error.message);
        assert.match(error.hint, hint);
        return true;
      });
    });
  }
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

describe("discovery of a provider without ID tokens", () => {
  const plain = {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    token_endpoint_auth_methods_supported: ["private_key_jwt", "client_secret_basic"],
  };
  const rfc8414 = "https://id.example/.well-known/oauth-authorization-server/tenant";
  const openid = `${issuer}/.well-known/openid-configuration`;

  async function discoveringPlain(
    answers: Readonly<Record<string, unknown>>,
    client: Client = confidential,
  ): Promise<{ metadata: Metadata; asked: string[] }> {
    const asked: string[] = [];
    const fetch = async (url: Parameters<typeof globalThis.fetch>[0]): Promise<Response> => {
      const { url: address } = new Request(url);
      asked.push(address);
      const found = answers[address];
      return new Response(JSON.stringify(found ?? {}), { status: found === undefined ? 404 : 200 });
    };
    const provider = oauth2({ name: "p", issuer, clientId: "app", identity: "none" });
    return { metadata: await discover(provider, client, wireWith({ fetch })), asked };
  }

  test("a provider without ID tokens is discovered where RFC 8414 puts its document, and needs no keys", async () => {
    const { metadata, asked } = await discoveringPlain({ [rfc8414]: plain });
    assert.deepEqual(asked, [rfc8414]);
    const { authorization_endpoint: authorizationEndpoint, token_endpoint: tokenEndpoint } = plain;
    assert.deepEqual(metadata.endpoints, { authorizationEndpoint, tokenEndpoint });
    assert.equal(metadata.authentication, "client_secret_basic");
  });

  test("a client with a key signs where the document takes that, and is refused where it does not", async () => {
    const client: Client = { clientId: "app", privateKey: new Secret("never looked at here") };
    const { metadata } = await discoveringPlain({ [rfc8414]: plain }, client);
    assert.equal(metadata.authentication, "private_key_jwt");
    const basic = { ...plain, token_endpoint_auth_methods_supported: ["client_secret_basic"] };
    await assert.rejects(discoveringPlain({ [rfc8414]: basic }, client), (error) =>
      isOnbehalfError(error, "configuration_invalid"),
    );
  });

  test("a provider that has only the document of OpenID Connect is discovered by that", async () => {
    const { metadata, asked } = await discoveringPlain({ [openid]: plain });
    assert.deepEqual(asked, [rfc8414, openid]);
    assert.equal(metadata.endpoints.tokenEndpoint, plain.token_endpoint);
  });

  test("a document of RFC 8414 that names another issuer is refused", async () => {
    await assert.rejects(discoveringPlain({ [rfc8414]: { ...plain, issuer: "https://id.example" } }), (error) =>
      isOnbehalfError(error, "configuration_invalid"),
    );
  });
});
