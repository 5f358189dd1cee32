import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { isOnbehalfError } from "../../src/core/errors.ts";
import { parseClientSecretJson } from "../../src/providers/client-secret-json.ts";

const client = {
  client_id: "1234567890-web.apps.googleusercontent.com",
  project_id: "my-project",
  auth_uri: "https://accounts.google.com/o/oauth2/auth",
  token_uri: "https://oauth2.googleapis.com/token",
  auth_provider_x509_cert_url: "https://www.googleapis.com/oauth2/v1/certs",
  client_secret: "GOCSPX-canary",
};

function parse(content: unknown): ReturnType<typeof parseClientSecretJson> {
  return parseClientSecretJson(typeof content === "string" ? content : JSON.stringify(content), "client_secret.json");
}

describe("a client's file", () => {
  const files: readonly (readonly [string, unknown])[] = [
    ["of a web client", { web: { ...client, redirect_uris: [], javascript_origins: [] } }],
    ["of an installed client", { installed: client }],
    ["with a byte order mark, as editors on Windows write it", `\uFEFF${JSON.stringify({ web: client })}`],
    ["with members of next year", { web: { ...client, universe_domain: "googleapis.com" }, version: 2 }],
  ];
  for (const [what, content] of files) {
    test(`a client's file is read: one ${what}`, () => {
      const { clientId, clientSecret } = parse(content);
      assert.equal(clientId, client.client_id);
      assert.equal(clientSecret?.expose(), client.client_secret);
    });
  }

  test("a client's file may be that of a stand-in, where the stand-in is what is used", () => {
    const web = {
      ...client,
      token_uri: "http://127.0.0.1:4600/token",
      auth_uri: "http://127.0.0.1:4600/o/oauth2/v2/auth",
    };
    const text = JSON.stringify({ web });
    assert.equal(parseClientSecretJson(text, "x.json", "http://127.0.0.1:4600/token").clientId, client.client_id);
    assert.throws(() => parseClientSecretJson(text, "x.json", "http://127.0.0.1:4601/token"), /another provider/);
    const older = { ...client, token_uri: "https://accounts.google.com/o/oauth2/token", auth_uri: null };
    assert.equal(parse({ web: older }).clientId, client.client_id);
  });

  test("a client's file gives a secret that does not print", () => {
    assert.ok(!inspect(parse({ web: client }), { depth: null }).includes("canary"));
  });

  const { client_secret: _, ...withoutSecret } = client;
  const { client_id: __, ...withoutId } = client;
  const mistakes: readonly (readonly [string, unknown, RegExp, RegExp])[] = [
    ["no JSON at all", "GOCSPX-canary", /is not JSON/, /download/],
    ["an empty file", "", /is not JSON/, /download/],
    ["an API key alone", "AIzaSyA-0123456789_0123456789012345678", /but an API key/, /download/],
    ["an API key as JSON", '"AIzaSyA-0123456789_0123456789012345678"', /holds an API key/, /web application/],
    ["an API key in an object", { api_key: "canary" }, /holds an API key/, /web application/],
    ["a private key", "-----BEGIN PRIVATE KEY-----\ncanary", /but a private key/, /download/],
    ["a secret alone", "GOCSPX-canary", /but a client secret alone/, /download/],
    ["a file of variables", "ONBEHALF_CLIENT_SECRET=canary", /but a file of environment variables/, /download/],
    ["a file in UTF-16", Buffer.from('{"web":{}}', "utf16le").toString(), /not UTF-8 text/, /download/],
    [
      "a workload's credentials",
      { type: "external_account", audience: "//iam" },
      /of a workload \(external_account\)/,
      /web application/,
    ],
    [
      "a secret with a line end",
      { web: { ...client, client_secret: "GOCSPX-canary\n" } },
      /: client_secret ends with a line end/,
      /printf/,
    ],
    [
      "a secret in quotes",
      { web: { ...client, client_secret: '"canary"' } },
      /: client_secret stands in quotes/,
      /quotes/,
    ],
    [
      "an id with a space",
      { web: { ...client, client_id: " canary" } },
      /: client_id has white space around it/,
      /white space/,
    ],
    [
      "a secret that was masked",
      { web: { ...client, client_secret: "****nary" } },
      /client_secret is a placeholder/,
      /real value/,
    ],
    [
      "another provider's client",
      { web: { ...client, token_uri: "https://id.example/token" } },
      /another provider: its token_uri is https:\/\/id\.example/,
      /oidc\(\)/,
    ],
    [
      "another provider's page",
      { installed: { ...client, auth_uri: "https://id.example/auth" } },
      /its auth_uri is https:\/\/id\.example/,
      /oidc\(\)/,
    ],
    [
      "a lookalike of Google",
      { web: { ...client, token_uri: "https://oauth2.googleapis.com.example/token" } },
      /another provider/,
      /oidc\(\)/,
    ],
    [
      "Google in clear",
      { web: { ...client, token_uri: "http://oauth2.googleapis.com/token" } },
      /another provider/,
      /oidc\(\)/,
    ],
    ["a token_uri that is no text", { web: { ...client, token_uri: 7 } }, /its token_uri is no URL/, /oidc\(\)/],
    ["iOS's property list", '<?xml version="1.0"?><plist/>', /is not JSON/, /download/],
    ["half a file", JSON.stringify({ web: client }).slice(0, -5), /is not JSON/, /download/],
    ["JSON of another shape", ["canary"], /is not a client file/, /web or installed/],
    ["null", "null", /is not a client file/, /web or installed/],
    ["a service account", { type: "service_account", private_key: "canary" }, /service account/, /web application/],
    [
      "application default credentials",
      { ...client, refresh_token: "canary", type: "authorized_user" },
      /application default credentials/,
      /web application/,
    ],
    [
      "Android's google-services.json",
      { project_info: { project_number: "1" }, client: [{ oauth_client: [] }], configuration_version: "1" },
      /google-services\.json/,
      /web client/,
    ],
    ["the inner part alone", client, /neither/, /download/],
    ["both kinds", { web: client, installed: client }, /both/, /download/],
    ["an empty object", {}, /neither/, /download/],
    ["no client", { web: null }, /no client_id/, /do not edit/],
    ["no client id", { web: withoutId }, /no client_id/, /do not edit/],
    ["an empty client id", { web: { ...client, client_id: "" } }, /no client_id/, /do not edit/],
    ["a phone's client, which has no secret", { installed: withoutSecret }, /Android, iOS/, /serverClientId/],
    ["an empty secret", { web: { ...client, client_secret: "" } }, /no client_secret/, /serverClientId/],
  ];
  for (const [what, content, message, hint] of mistakes) {
    test(`a client's file is refused with what to do: ${what}`, () => {
      assert.throws(
        () => parse(content),
        (error) => {
          assert.ok(isOnbehalfError(error, "configuration_invalid"));
          assert.match(error.message, message);
          assert.match(error.message, /client_secret\.json/, "it says which file");
          assert.match(error.hint, hint);
          assert.deepEqual(error.details.problems, [error.message]);
          assert.ok(!inspect(error, { depth: null }).includes("canary"), "it shows no secret");
          return true;
        },
      );
    });
  }
});
