import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { google } from "../../src/providers/google.ts";
import { endTogether } from "../../src/providers/end-together.ts";
import { codeSources } from "../../src/providers/provider.ts";
import { Secret } from "../../src/core/secret.ts";

const clientId = "1234567890-web.apps.googleusercontent.com";

describe("google()", () => {
  test("google() is Google as its documentation has it", () => {
    const { client: _, offlineHint, tokenHosts = [], ...record } = google({ clientId });
    assert.ok(tokenHosts.includes("oauth2.googleapis.com"));
    assert.deepEqual(record, {
      name: "google",
      issuer: "https://accounts.google.com",
      alsoIssuedAs: ["accounts.google.com"],
      endpoints: {
        authorizationEndpoint: "https://accounts.google.com/o/oauth2/v2/auth",
        tokenEndpoint: "https://oauth2.googleapis.com/token",
        revocationEndpoint: "https://oauth2.googleapis.com/revoke",
        jwksUri: "https://www.googleapis.com/oauth2/v3/certs",
      },
      rotation: "none",
      redirectUriFor: { android: "", ios: "", "web-popup": "postmessage" },
      idTokenAlgorithms: ["RS256"],
      canonicalScopes: {
        email: "https://www.googleapis.com/auth/userinfo.email",
        profile: "https://www.googleapis.com/auth/userinfo.profile",
        "https://www.googleapis.com/auth/drive.appfolder": "https://www.googleapis.com/auth/drive.appdata",
      },
      clientProject: /^(\d+)[-.]/,
      unknownNonces: ["ios"],
      apiHosts: ["www.googleapis.com", "*.googleapis.com"],
      forwardHeaders: [
        "x-goog-*",
        "x-upload-content-*",
        "x-guploader-*",
        "gdata-version",
        "x-gdata-*",
        "developer-token",
        "login-customer-id",
        "linked-customer-id",
      ],
      announcedEnds: { refresh_token_expires_in: "fixed" },
      revocationEndsSiblings: true,
      displayName: "Google",
      authorizationRequest: {
        parameters: { access_type: "offline", include_granted_scopes: "true" },
        consentForOffline: true,
        subjectHint: true,
      },
      signals: {
        issuer: "https://accounts.google.com/",
        alsoIssuedAs: ["https://accounts.google.com"],
        jwksUri: "https://www.googleapis.com/oauth2/v3/certs",
        isTypOptional: true,
      },
      connectionsPage: "https://myaccount.google.com/connections",
    });
    assert.match(offlineHint, /access_type=offline/);
  });

  for (const baseUrl of ["http://127.0.0.1:4600", "http://127.0.0.1:4600/", "http://127.0.0.1:4600//"]) {
    test(`google() puts every endpoint under ${baseUrl}`, () => {
      const { endpoints, apiBaseUrl, issuer } = google({ clientId, baseUrl });
      assert.deepEqual(endpoints, {
        authorizationEndpoint: "http://127.0.0.1:4600/o/oauth2/v2/auth",
        tokenEndpoint: "http://127.0.0.1:4600/token",
        revocationEndpoint: "http://127.0.0.1:4600/revoke",
        jwksUri: "http://127.0.0.1:4600/oauth2/v3/certs",
      });
      assert.equal(apiBaseUrl, "http://127.0.0.1:4600");
      assert.equal(issuer, "https://accounts.google.com", "a stand-in signs as Google does");
    });
  }

  test("google() keeps a base URL's path", () => {
    const { endpoints } = google({ clientId, baseUrl: "https://proxy.example/google/" });
    assert.equal(endpoints !== "discover" && endpoints.tokenEndpoint, "https://proxy.example/google/token");
  });

  test("google() knows every code's redirect but that of a redirect flow, which only the flow knows", () => {
    const { redirectUriFor } = google({ clientId });
    assert.deepEqual(
      codeSources.map((source) => redirectUriFor[source]),
      ["", "", "postmessage", undefined],
    );
    const own = google({ clientId, popupRedirectUri: "https://app.example" });
    assert.equal(own.redirectUriFor["web-popup"], "https://app.example");
  });

  test("google() takes a client as a file, or as id and secret, and shows no secret", () => {
    assert.deepEqual(google({ clientSecretFile: "client_secret.json" }).client, {
      clientSecretFile: "client_secret.json",
    });
    for (const clientSecret of ["GOCSPX-canary", new Secret("GOCSPX-canary")]) {
      const { client } = google({ clientId, clientSecret });
      assert.ok(typeof client === "object" && "clientSecret" in client);
      assert.equal(client.clientSecret?.expose(), "GOCSPX-canary");
      assert.ok(!inspect(client).includes("canary"));
    }
  });

  test("google() requires a domain, and lists parties, only where it was told to", () => {
    const plain = google({ clientId });
    assert.ok(!("hostedDomain" in plain) && !("authorizedParties" in plain) && !("apiBaseUrl" in plain));
    const strict = google({ clientId, hostedDomain: "example.com", authorizedParties: ["a"] });
    assert.deepEqual([strict.hostedDomain, strict.authorizedParties], ["example.com", ["a"]]);
  });
});

describe("Google's client ids", () => {
  const suffix = ".apps.googleusercontent.com";
  const pairs: readonly (readonly [string, string, boolean])[] = [
    ["1234567890-web", "1234567890-android", true],
    ["1234567890-web", "1234567890", true],
    ["1234567890", "1234567890", true],
    ["1234567890-web", "1234567891-android", false],
    ["1234567890-web", "123456789-android", false],
    ["1234567890-web", "12345678901-android", false],
    ["1234567890-web", "x1234567890-android", false],
    ["1234567890-web", "", false],
    ["", "", false],
    ["-web", "-android", false],
  ];
  for (const [one, two, same] of pairs) {
    test(`Google's client ids: ${one === "" ? "nothing" : one} and ${two === "" ? "nothing" : two}: ${same ? "one project" : "strangers"}`, () => {
      const record = google({ clientId });
      assert.equal(endTogether(record, one + suffix, two + suffix), same || one === two);
      assert.equal(endTogether(record, two + suffix, one + suffix), same || one === two);
    });
  }
});
