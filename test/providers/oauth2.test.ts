import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { oauth2, oidc } from "../../src/index.ts";
import type { OAuth2Options, Provider } from "../../src/index.ts";
import { loadClient } from "../../src/vault/open/registered-client.ts";
import { fails } from "../support/fails.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const least: OAuth2Options = {
  name: "code-host",
  authorizationEndpoint: "https://code.example/login/oauth/authorize",
  tokenEndpoint: "https://code.example/login/oauth/access_token",
  clientId: "cid",
  identity: { userinfo: "https://api.code.example/user", subject: "id" },
};
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const pem = privateKey.export({ type: "pkcs8", format: "pem" });
const weak = generateKeyPairSync("rsa", { modulusLength: 1_024 }).privateKey.export({ type: "pkcs8", format: "pem" });

describe("oauth2()", () => {
  test("oauth2() is careful where nothing is known, and names the provider by its token endpoint's origin", () => {
    const { offlineHint: _hint, ...record } = oauth2(least);
    assert.deepEqual(record, {
      name: "code-host",
      issuer: "https://code.example",
      isIssuerOurs: true,
      identity: least.identity,
      client: { clientId: "cid" },
      endpoints: { authorizationEndpoint: least.authorizationEndpoint, tokenEndpoint: least.tokenEndpoint },
      rotation: "strict",
      redirectUriFor: {},
      idTokenAlgorithms: [],
      canonicalScopes: {},
      apiHosts: [],
      revocationEndsSiblings: false,
    });
    assert.doesNotThrow(() => loadClient(oauth2(least)));
  });

  test("oauth2() reads the document of an issuer where endpoints are missing", () => {
    const { name, clientId, identity } = least;
    const { endpoints, issuer, isIssuerOurs } = oauth2({ name, clientId, identity, issuer: "https://as.example/t" });
    assert.deepEqual([endpoints, issuer, isIssuerOurs], ["discover", "https://as.example/t", undefined]);
  });

  const refused: readonly (readonly [Partial<Record<keyof OAuth2Options | "idTokens", unknown>>, string])[] = [
    [{ identity: undefined }, "needs identity"],
    [{ identity: "id_token" }, "does not verify ID tokens"],
    [{ tokenEndpoint: undefined }, "needs tokenEndpoint"],
    [{ authorizationEndpoint: undefined }, "needs authorizationEndpoint"],
    [{ idTokens: true }, "idTokens is no option of oauth2()"],
  ];
  for (const [more, about] of refused) {
    test(`oauth2() refuses at once what cannot be: ${JSON.stringify(more)} ${about}`, () => {
      assert.throws(() => oauth2({ ...least, ...more } as OAuth2Options), fails("configuration_invalid", about));
    });
  }

  const wrong: readonly (readonly [Partial<Record<keyof OAuth2Options, unknown>>, string])[] = [
    [{ identity: { userinfo: "https://api.example/user" } }, "identity must be"],
    [{ identity: { userinfo: "https://api.example/user", subject: "id", mail: "email" } }, "identity must be"],
    [{ identity: { userinfo: "http://api.example/user", subject: "id" } }, "without https"],
    [{ identity: { userinfo: "/user", subject: "id" } }, "not a URL: identity.userinfo"],
    [{ identity: { userinfo: "https://api.example/u", subject: "id", headers: { a: "b\n" } } }, "identity must be"],
    [{ identity: { tokenAnswer: "" } }, "identity must be"],
    [{ identity: "nobody" }, "identity must be"],
    [{ resource: "api" }, "resource must be"],
    [{ resource: "https://api.example/#a" }, "resource must be"],
    [{ scopes: "repo" }, "scopes must be"],
    [{ clientAuthentication: "tls_client_auth" }, "clientAuthentication must be"],
    [{ clientAuthentication: "none", clientSecret: "s3cret" }, "clientAuthentication is none"],
    [{ clientAuthentication: "private_key_jwt" }, "clientAuthentication needs privateKey"],
    [{ clientAuthentication: "client_secret_post", privateKey: pem, issuer: "https://as.example" }, "does not fit"],
    [{ privateKey: pem }, "issuer must be given"],
    [{ privateKey: "s3cret", issuer: "https://as.example" }, "privateKey is no private key"],
    [{ privateKey: weak, issuer: "https://as.example" }, "privateKey is no private key"],
    [{ privateKey: pem, clientSecret: "s3cret", issuer: "https://as.example" }, "a secret and a private key"],
    [{ privateKeyFile: "/nowhere/key.pem", issuer: "https://as.example" }, "key.pem"],
    [{ privateKeyFile: "/nowhere/key.pem" }, "issuer must be given"],
    [{ privateKeyFile: "", issuer: "https://as.example" }, "privateKeyFile must be"],
    [{ privateKeyFile: "k.pem", privateKey: pem, issuer: "https://as.example" }, "both given"],
    [{ revocationEndpoint: "http://code.example/revoke" }, "without https"],
  ];
  for (const [more, about] of wrong) {
    test(`a record of oauth2() that cannot work is refused when a vault is opened: ${Object.keys(more).join(", ")}: ${about}`, () => {
      const provider: Provider = oauth2({ ...least, ...more } as OAuth2Options);
      assert.throws(() => loadClient(provider), fails("configuration_invalid", about, ["s3cret", weak]));
    });
  }

  test("a private key is read from its file, as PEM or JWK, and shown nowhere", async (t) => {
    const folder = await temporaryFolder(t);
    const jwk = JSON.stringify({ ...privateKey.export({ format: "jwk" }), kid: "k1" });
    for (const text of [pem, jwk]) {
      const privateKeyFile = `${folder}/key`;
      writeFileSync(privateKeyFile, text);
      for (const provider of [
        oauth2({ ...least, issuer: "https://as.example", privateKeyFile }),
        oidc({ name: "id", issuer: "https://id.example", clientId: "cid", privateKeyFile }),
      ]) {
        const client = loadClient(provider);
        assert.equal(client.privateKey?.expose(), text);
        assert.ok(!inspect(client, { depth: 9, showHidden: true }).includes(text.slice(30, 60)));
      }
    }
  });
});
