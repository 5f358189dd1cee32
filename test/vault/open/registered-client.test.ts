import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { isOnbehalfError } from "../../../src/core/errors.ts";
import { google } from "../../../src/providers/google.ts";
import { oidc } from "../../../src/providers/oidc.ts";
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
  });
});
