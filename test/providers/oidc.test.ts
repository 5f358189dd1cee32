import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { oidc } from "../../src/providers/oidc.ts";
import type { Endpoints } from "../../src/providers/provider.ts";
import { Secret } from "../../src/core/secret.ts";

const least = { name: "id", issuer: "https://id.example", clientId: "app" };

describe("oidc()", () => {
  test("oidc() is careful where nothing is known", () => {
    const { offlineHint, ...record } = oidc(least);
    assert.deepEqual(record, {
      name: "id",
      issuer: "https://id.example",
      client: { clientId: "app" },
      endpoints: "discover",
      rotation: "strict",
      redirectUriFor: {},
      idTokenAlgorithms: ["RS256", "ES256", "PS256", "EdDSA"],
      canonicalScopes: {},
      apiHosts: [],
      revocationEndsSiblings: false,
    });
    assert.doesNotMatch(offlineHint, /offline_access/, "not every issuer knows that scope");
    assert.equal(oidc({ ...least, offlineHint: "ask for offline" }).offlineHint, "ask for offline");
  });

  test("oidc() never accepts a shared secret or nothing as a signature unless it is told to", () => {
    assert.ok(oidc(least).idTokenAlgorithms.every((alg) => !/^HS|^none$/i.test(alg)));
  });

  test("oidc() takes what is known", () => {
    const endpoints: Endpoints = {
      authorizationEndpoint: "https://id.example/a",
      tokenEndpoint: "https://id.example/t",
      jwksUri: "https://id.example/k",
    };
    const known = {
      clientAuthentication: "client_secret_basic",
      endpoints,
      rotation: { graceSeconds: 60 },
      redirectUriFor: { "web-popup": "https://app.example" },
      idTokenAlgorithms: ["ES256"],
      authorizedParties: ["phone"],
      apiHosts: ["api.example"],
      refusals: { bad_refresh_token: "dead" },
    } as const;
    const provider = oidc({ ...least, ...known });
    for (const [name, value] of Object.entries(known)) {
      assert.deepEqual(provider[name as keyof typeof known], value, name);
    }
  });

  test("oidc() wraps a secret, and shows none", () => {
    for (const clientSecret of ["canary", new Secret("canary")]) {
      const { client } = oidc({ ...least, clientSecret });
      assert.ok(typeof client === "object" && "clientSecret" in client);
      assert.equal(client.clientSecret?.expose(), "canary");
      assert.ok(!inspect(client).includes("canary"));
    }
  });
});
