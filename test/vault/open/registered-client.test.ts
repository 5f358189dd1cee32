import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { isOnbehalfError } from "../../../src/core/errors.ts";
import { google } from "../../../src/providers/google.ts";
import { oidc } from "../../../src/providers/oidc.ts";
import type { OidcOptions } from "../../../src/providers/oidc.ts";
import { Secret } from "../../../src/core/secret.ts";
import type { Provider } from "../../../src/providers/provider.ts";
import { loadClient } from "../../../src/vault/open/registered-client.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const clientId = "1234567890-web.apps.googleusercontent.com";
const clientSecret = "GOCSPX-secret";

function assertRefused(provider: Provider, message: RegExp): void {
  assert.throws(
    () => loadClient(provider),
    (error) => isOnbehalfError(error, "configuration_invalid") && message.test(error.message),
  );
}

describe("a provider's client", () => {
  test("a provider's client is taken as given, or read from its file", async (t) => {
    assert.equal(loadClient(google({ clientId, clientSecret })).clientSecret?.expose(), clientSecret);
    const clientSecretFile = join(await temporaryFolder(t), "client_secret.json");
    await writeFile(clientSecretFile, JSON.stringify({ web: { client_id: clientId, client_secret: clientSecret } }));
    const client = loadClient(google({ clientSecretFile }));
    assert.deepEqual([client.clientId, client.clientSecret?.expose()], [clientId, clientSecret]);
  });

  test("a provider's client may have no secret, where it is a public one", () => {
    assert.deepEqual(loadClient(oidc({ name: "id", issuer: "https://id.example", clientId: "app" })), {
      clientId: "app",
    });
  });

  test("a provider's client is missed at once, and not at the first exchange", async (t) => {
    assertRefused(google({}), /has no client/);
    assertRefused(google({ clientId: "" }), /has no client/);
    assertRefused(google({ clientId, clientSecret: "" }), /no client secret/);
    assertRefused(google({ clientId }), /no client secret/);
    assertRefused(google({ clientSecretFile: join(await temporaryFolder(t), "missing.json") }), /cannot be read/);
  });

  test("a provider's client is sent nowhere in clear but to this machine", () => {
    for (const baseUrl of [
      "http://127.0.0.1:4600",
      "http://localhost:4600",
      "http://[::1]:4600",
      "https://a.example",
    ]) {
      assert.equal(loadClient(google({ clientId, clientSecret, baseUrl })).clientId, clientId);
    }
    assertRefused(
      google({ clientId, clientSecret, baseUrl: "http://a.example" }),
      /without https: http:\/\/a\.example/,
    );
    assertRefused(google({ clientId, clientSecret, baseUrl: "a.example" }), /not a URL/);
    assertRefused(oidc({ name: "id", issuer: "http://id.example", clientId: "app" }), /without https/);
    // Whoever changes keys on their way signs events that end grants.
    const signed = oidc({ name: "id", issuer: "https://id.example", clientId: "app" });
    const keysAt = (jwksUri: string): typeof signed => ({
      ...signed,
      signals: { issuer: "https://ssf.example", jwksUri },
    });
    assertRefused(keysAt("http://ssf.example/jwks"), /without https: http:\/\/ssf\.example/);
    assertRefused(keysAt("ssf.example"), /not a URL: signals\.jwksUri/);
  });

  test("a provider's client is looked at before it is used, all of the record at once, and no secret is shown", () => {
    const good = { name: "id", issuer: "https://id.example", clientId: "app", clientSecret: "s3cret" };
    const rows: readonly (readonly [Partial<OidcOptions>, RegExp])[] = [
      [{ clientSecret: "s3cret\n" }, /^provider id: clientSecret ends with a line end$/],
      [{ clientSecret: '"s3cret"' }, /^provider id: clientSecret stands in quotes$/],
      [{ clientSecret: "$CLIENT_SECRET" }, /^provider id: clientSecret has a variable in it/],
      [{ clientSecret: "<s3cret>" }, /^provider id: clientSecret is a placeholder/],
      [{ clientSecret: new Secret("s3\u200Bcret") }, /^provider id: clientSecret has an invisible character/],
      [{ clientSecret: 7 as never }, /^provider id: clientSecret must be a text$/],
      [{ clientId: " cid" }, /^provider id: clientId has white space around it$/],
      [{ clientId: "cid\r\n" }, /^provider id: clientId ends with a line end$/],
      [{ clientId: {} as never }, /^provider id: clientId must be a text$/],
      [{ issuer: "https://id.example\n" }, /^provider id: issuer ends with a line end$/],
      [{ issuer: undefined as never }, /^provider id: issuer must be a text$/],
      [{ name: "'id'" }, /^a provider: name stands in quotes$/],
      [{ alsoIssuedAs: [" https://id.example/"] }, /^provider id: alsoIssuedAs has white space around it$/],
      [{ apiHosts: ["api.example", "api2.example\t"] }, /^provider id: apiHosts has white space/],
      [{ authorizedParties: ['"phone"'] }, /^provider id: authorizedParties stands in quotes$/],
      [
        { redirectUriFor: { "web-popup": "https://app.example " } },
        /^provider id: redirectUriFor web-popup has white space/,
      ],
      [
        { endpoints: { tokenEndpoint: "https://id.example/token\n" } },
        /^provider id: tokenEndpoint ends with a line end$/,
      ],
      [{ endpoints: { tokenEndpoint: "http://id.example/token" } }, /^provider id has an endpoint without https/],
    ];
    for (const [more, message] of rows) {
      assert.throws(
        () => loadClient(oidc({ ...good, ...more })),
        (error) => {
          assert.ok(isOnbehalfError(error, "configuration_invalid"), String(error));
          assert.match(error.message, message);
          assert.ok(!JSON.stringify([error.message, error.hint, error.details]).includes("s3cret"));
          return true;
        },
      );
    }
    assert.throws(
      () => loadClient(oidc({ ...good, clientId: "app\n", clientSecret: "x ", issuer: '"https://id.example"' })),
      (error) => isOnbehalfError(error, "configuration_invalid") && error.details.problems.length === 3,
    );
    assertRefused(google({ clientSecretFile: '"client.json"' }), /clientSecretFile stands in quotes/);
  });
});
