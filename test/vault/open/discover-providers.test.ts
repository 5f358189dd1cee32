import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { isOnbehalfError, oidc } from "../../../src/index.ts";
import type { ExchangeCodeOptions, OidcOptions, Vault } from "../../../src/index.ts";
import { bentProvider } from "../../support/bent-provider.ts";
import type { Bend, BentAnswer, BentProvider, BentRequest } from "../../support/bent-provider.ts";

const invalidClient: BentAnswer = { status: 401, body: { error: "invalid_client" } };

/** A token endpoint that compares Basic credentials as they were sent, without decoding them. */
const asSent =
  (credentials: string) =>
  (answer: Record<string, unknown>, { headers }: BentRequest): BentAnswer =>
    headers.authorization === `Basic ${btoa(credentials)}` ? { body: answer } : invalidClient;

/** A token endpoint that wants the secret in the body. */
const inBody = (answer: Record<string, unknown>, { headers, form }: BentRequest): BentAnswer =>
  headers.authorization === undefined && form["client_secret"] === "s3cret" ? { body: answer } : invalidClient;

describe("client authentication, as a provider's document says", () => {
  const listing = (...methods: string[]) => {
    return (): Record<string, unknown> => ({ token_endpoint_auth_methods_supported: methods });
  };
  const cases: readonly (readonly [string, Bend])[] = [
    [
      "Basic where the document lists it alone",
      { discovery: listing("client_secret_basic"), token: asSent("cid:s3cret") },
    ],
    ["Basic where the document lists nothing", { token: asSent("cid:s3cret") }],
    [
      "Basic beside methods that we do not have",
      { discovery: listing("private_key_jwt", "client_secret_basic"), token: asSent("cid:s3cret") },
    ],
    [
      "the body where the document lists it",
      { discovery: listing("client_secret_basic", "client_secret_post"), token: inBody },
    ],
    [
      "null for everything that is optional",
      {
        discovery: () => ({
          revocation_endpoint: null,
          token_endpoint_auth_methods_supported: null,
          id_token_signing_alg_values_supported: null,
        }),
        token: asSent("cid:s3cret"),
      },
    ],
  ];
  for (const [what, bend] of cases) {
    test(`client authentication, as a provider's document says: ${what}`, async (t) => {
      const { connect, clock, vault } = await bentProvider(t, bend);
      const { grantId } = await connect();
      clock.advance(3_700_000);
      assert.equal((await vault.getAccessToken(grantId)).token, "at-2");
      assert.equal((await vault.revoke(grantId)).state, "revoked");
    });
  }

  test("a client's id with a dash reaches a server that does not decode it", async (t) => {
    const provider = { clientId: "my-app", clientAuthentication: "client_secret_basic" } as const;
    const { connect } = await bentProvider(t, { token: asSent("my-app:s3cret") }, { provider });
    assert.equal((await connect()).state, "active");
  });

  test("a client that is refused is told of with the method that was used, and nothing is revoked", async (t) => {
    for (const [methods, word] of [
      [["client_secret_basic"], /Authorization header \(client_secret_basic\)/],
      [["client_secret_post"], /in the body \(client_secret_post\)/],
    ] as const) {
      const bent = await bentProvider(t, { discovery: listing(...methods), token: () => invalidClient });
      await assert.rejects(bent.connect(), (error) => {
        assert.ok(isOnbehalfError(error, "client_misconfigured"));
        assert.match(error.hint, word);
        assert.ok(!JSON.stringify([error.message, error.hint, error.details]).includes("s3cret"));
        return true;
      });
      assert.equal(bent.count("/revoke"), 0);
      bent.bend = {};
      assert.equal((await bent.open().then(async (vault) => vault.exchangeCode(again))).state, "active");
    }
  });

  const wrong: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
    ["keys alone", { token_endpoint_auth_methods_supported: ["private_key_jwt"] }, /private_key_jwt/],
    ["certificates alone", { token_endpoint_auth_methods_supported: ["tls_client_auth"] }, /tls_client_auth/],
    ["shared secrets alone as signatures", { id_token_signing_alg_values_supported: ["HS256"] }, /HS256/],
    [
      "another issuer",
      { issuer: "https://id.example" },
      /says "https:\/\/id\.example", and bent is set to "http:\/\/127/,
    ],
    ["a pattern of issuers", { issuer: "https://id.example/{tenantid}/v2.0" }, /\{tenantid\}/],
    ["a token endpoint in clear", { token_endpoint: "http://id.example/token" }, /without https/],
    ["a list that is an object", { token_endpoint_auth_methods_supported: { none: true } }, /list of texts/],
  ];
  for (const [what, members, message] of wrong) {
    test(`a document with ${what} is refused when the vault is opened, before any code`, async (t) => {
      await assert.rejects(bentProvider(t, { discovery: () => members }), (error) => {
        assert.ok(isOnbehalfError(error, "configuration_invalid"), String(error));
        assert.match(error.message, message);
        return true;
      });
    });
  }
});

const again = { code: "d", source: "web-redirect", redirectUri: "https://app.example/cb" } as const;

describe("an issuer with tenants", () => {
  const tenants: Bend = {
    discovery: (url) => ({ issuer: `${url}/{tenantid}/v2.0` }),
    claims: (url, { form }) => ({ iss: `${url}/${form["code"]}/v2.0`, tid: form["code"] }),
  };

  /** A provider of several tenants, and a vault that knows it by hand or by its document. */
  async function tenantVault(
    t: TestContext,
    more: (url: string) => Partial<OidcOptions>,
  ): Promise<{ readonly vault: Vault; readonly bent: BentProvider }> {
    const bent = await bentProvider(t);
    bent.bend = tenants;
    const client = { clientId: "cid", clientSecret: "s3cret" };
    const provider = oidc({ name: "tenants", issuer: bent.url, ...client, ...more(bent.url) });
    return { bent, vault: await bent.open({ provider }) };
  }
  const from = (code: string): ExchangeCodeOptions => ({ ...again, code });
  const byHand = (url: string): Partial<OidcOptions> => ({
    endpoints: { authorizationEndpoint: `${url}/a`, tokenEndpoint: `${url}/token`, jwksUri: `${url}/jwks` },
  });

  test("an issuer with tenants: with the pattern, people of every tenant sign in, and nobody else", async (t) => {
    const { vault, bent } = await tenantVault(t, (url) => ({ alsoIssuedAs: [`${url}/{tid}/v2.0`] }));
    assert.equal((await vault.exchangeCode(from("1111-2222"))).state, "active");
    assert.equal((await vault.exchangeCode(from("tenant-b"))).state, "active");
    for (const claims of [
      { tid: undefined },
      { tid: "another" },
      { tid: "../x" },
      { iss: bent.url.replace("127", "128") },
    ]) {
      bent.bend = { claims: (url, request) => ({ ...tenants.claims?.(url, request), ...claims }) };
      await assert.rejects(vault.exchangeCode(from(`c-${JSON.stringify(claims).length}`)), (error) => {
        return isOnbehalfError(error, "id_token_invalid") && error.details.check === "iss";
      });
    }
  });

  test("an issuer with tenants: with endpoints by hand, a name that is listed is enough", async (t) => {
    const { vault } = await tenantVault(t, (url) => ({ ...byHand(url), alsoIssuedAs: [`${url}/aaaa/v2.0`] }));
    assert.equal((await vault.exchangeCode(from("aaaa"))).state, "active");
    await assert.rejects(vault.exchangeCode(from("bbbb")), (error) => isOnbehalfError(error, "id_token_invalid"));
  });

  test("an issuer with tenants: a sign-in that fails by our setting revokes nothing, and says both names", async (t) => {
    const { vault, bent } = await tenantVault(t, byHand);
    await assert.rejects(vault.exchangeCode(from("aaaa")), (error) => {
      assert.ok(isOnbehalfError(error, "id_token_invalid"));
      assert.ok(error.message.includes(`names "${bent.url}/aaaa/v2.0", and tenants is set to "${bent.url}"`));
      assert.match(error.hint, /alsoIssuedAs/);
      return true;
    });
    assert.equal(bent.count("/revoke"), 0);
    assert.deepEqual((await vault.grants()).grants, []);
  });

  test("an issuer with tenants: a pattern where the document is read is refused at opening", async (t) => {
    await assert.rejects(
      tenantVault(t, (url) => ({ issuer: `${url}/{tenantid}/v2.0` })),
      (error) => isOnbehalfError(error, "configuration_invalid") && /placeholder/.test(error.message),
    );
  });

  test("an issuer with tenants: without the pattern it is refused, with both names, and how to write it", async (t) => {
    await assert.rejects(bentProvider(t, tenants), (error) => {
      assert.ok(isOnbehalfError(error, "configuration_invalid"));
      assert.match(error.hint, /alsoIssuedAs .*\{tid\}/);
      return true;
    });
  });
});

describe("a discovery document that cannot be read, or is not true any more", () => {
  /** A fetch that fails for some addresses, and the addresses that were asked for. */
  function fetching(isAway: (url: string) => boolean): { fetch: typeof fetch; asked: string[] } {
    const asked: string[] = [];
    const away = Object.assign(new Error("away"), { code: "ECONNREFUSED" });
    return {
      asked,
      fetch: async (input, init) => {
        const { pathname, href } = new URL(new Request(input).url);
        asked.push(pathname);
        if (isAway(href)) throw new TypeError("fetch failed", { cause: away });
        return fetch(input, init);
      },
    };
  }

  test("a document that is out of reach at the start does not keep the vault closed: the next use reads it", async (t) => {
    let away = true;
    const { fetch } = fetching((url) => away && url.includes("openid-configuration"));
    const bent = await bentProvider(t, {}, { vault: { fetch } });
    assert.equal(bent.events[0]?.type, "discovery_failed");
    assert.match(JSON.stringify(bent.events[0]), /econnrefused/);
    await assert.rejects(bent.connect(), (error) => isOnbehalfError(error, "provider_unavailable"));
    assert.equal(bent.count("/token"), 0, "the code was not spent");
    away = false;
    assert.equal((await bent.connect()).state, "active");
  });

  test("a provider that has moved is found again by its document, at most once a minute", async (t) => {
    const bent = await bentProvider(t);
    const moved = await bentProvider(t);
    const { fetch, asked } = fetching((url) => url === `${bent.url}/token`);
    const vault = await bent.open({ fetch });
    bent.bend = { discovery: () => ({ token_endpoint: `${moved.url}/token` }) };
    const documents = (): number => asked.filter((path) => path.endsWith("openid-configuration")).length;
    for (const code of ["a", "b"]) {
      await assert.rejects(vault.exchangeCode({ ...again, code }), (error) => {
        return isOnbehalfError(error, "provider_unavailable");
      });
    }
    assert.equal(documents(), 1);
    bent.clock.advance(61_000);
    moved.bend = { claims: () => ({ iss: bent.url }) };
    assert.equal((await vault.exchangeCode({ ...again, code: "c" })).state, "active");
    assert.equal(documents(), 2);
    assert.equal(moved.count("/token"), 1);
  });

  test("a document that is read again and is wrong, or away, leaves what was read before", async (t) => {
    const bent = await bentProvider(t);
    const { grantId } = await bent.connect();
    bent.bend = { discovery: () => ({ issuer: "https://evil.example", token_endpoint: "https://evil.example/token" }) };
    for (let day = 0; day < 3; day++) {
      bent.clock.advance(90_000_000);
      assert.match((await bent.vault.getAccessToken(grantId)).token, /^at-/);
    }
    assert.ok(bent.count("/.well-known/openid-configuration") >= 3);
  });
});
