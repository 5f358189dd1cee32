import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { memberLines } from "../../../src/service/settings/member-lines.ts";
import { secretVariablesIn } from "../../../src/service/settings/given-settings.ts";
import { providersIn } from "../../../src/service/settings/providers-file.ts";
import type { Provider } from "../../../src/index.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const secret = "s3cret-of-the-client";

async function read(
  t: TestContext,
  content: unknown,
  environment: Readonly<Record<string, string>> = {},
): Promise<{ readonly providers: Provider[]; readonly problems: string[] }> {
  const folder = await temporaryFolder(t);
  const path = `${folder}/providers.json`;
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content, undefined, 2));
  writeFileSync(`${folder}/secret`, `${secret}\n`);
  const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" });
  writeFileSync(`${folder}/key.pem`, key);
  writeFileSync(
    `${folder}/google.json`,
    JSON.stringify({ web: { client_id: "1-a.apps.example", client_secret: secret } }),
  );
  const problems: string[] = [];
  const providers = providersIn(path, problems, environment);
  return { providers, problems: problems.map((problem) => problem.replace(folder, "")) };
}

const plain = {
  name: "code",
  type: "oauth2",
  authorization_endpoint: "https://code.example/authorize",
  token_endpoint: "https://code.example/token",
  identity: { userinfo: "https://api.code.example/user", subject: "id" },
  client_id: "cid",
  client_secret: secret,
};

describe("a file of providers", () => {
  test("a file of providers may have one of each type, with secrets in the file, a file of their own, or a variable", async (t) => {
    const { providers, problems } = await read(
      t,
      {
        providers: [
          { ...plain, rotation: "grace:30", api_hosts: ["api.code.example"], keep_alive_days: 60, scopes: ["repo"] },
          { name: "google", type: "google", client_secret_file: "google.json" },
          { name: "corp", type: "oidc", issuer: "https://id.example", client_id: "cid", private_key_file: "key.pem" },
          { name: "github", type: "github", client_id: "cid", client_secret_env: "GITHUB_OAUTH" },
          { name: "slack-bot", type: "slack", tokens: "bot", client_id: "cid", client_secret_file: "secret" },
          { name: "microsoft", type: "microsoft", client_id: "cid", client_secret: secret },
          {
            ...plain,
            name: "wiki",
            identity: { token_answer: "owner.id" },
            client_authentication: "client_secret_basic",
          },
          {
            ...plain,
            name: "notes",
            identity: "none",
            authorization_request: { parameters: { owner_kind: "user" }, consent_for_offline: true },
          },
        ],
      },
      { GITHUB_OAUTH: secret },
    );
    assert.deepEqual(problems, []);
    assert.deepEqual(
      providers.map(({ name }) => name),
      ["code", "google", "corp", "github", "slack-bot", "microsoft", "wiki", "notes"],
    );
    const [code, , corp, github, bot, , wiki, notes] = providers;
    assert.deepEqual(notes?.authorizationRequest, { parameters: { owner_kind: "user" }, consentForOffline: true });
    assert.deepEqual([code?.rotation, code?.keepAliveDays, code?.scopes], [{ graceSeconds: 30 }, 60, ["repo"]]);
    assert.deepEqual(wiki?.identity, { tokenAnswer: "owner.id" });
    assert.equal(wiki?.clientAuthentication, "client_secret_basic");
    assert.match(JSON.stringify(corp?.client), /"privateKeyFile":"\/.*key\.pem"/);
    for (const each of [code, github, bot]) {
      const client = each?.client;
      assert.ok(typeof client === "object" && "clientSecret" in client);
      assert.equal(client.clientSecret?.expose(), secret);
    }
  });

  test("a file of providers has all that is wrong with it told at once, with line and member, and no secret", async (t) => {
    const { problems } = await read(
      t,
      `{
  "providers": [
    { "name": "one", "type": "oauth2", "client_id": "cid",
      "client_secret": "${secret}",
      "client_secret_env": "NOT_SET",
      "authorization_endpoint": "https://code.example/authorize",
      "token_endpoint": "http://code.example/token",
      "identity": "none",
      "api_host": ["a.example"],
      "rotation": "sometimes" },
    { "name": "one", "type": "saml" },
    { "name": "a b", "type": "github", "client_id": "cid", "client_secret_env": "NOT_SET" },
    { "name": "tools", "type": "mcp", "server": "https://mcp.example" },
    7
  ]
}`,
    );
    const places = problems.map((problem) => /^\/providers\.json:\d+: \S+/.exec(problem)?.[0]);
    assert.deepEqual(places, [
      "/providers.json:9: providers.0.api_host",
      "/providers.json:5: providers.0.client_secret_env",
      "/providers.json:5: providers.0.client_secret_env",
      "/providers.json:10: providers.0.rotation",
      "/providers.json:7: providers.0.token_endpoint",
      "/providers.json:11: providers.1.name",
      "/providers.json:11: providers.1.type",
      "/providers.json:12: providers.2.name",
      "/providers.json:12: providers.2.client_secret_env",
      "/providers.json:13: providers.3.client_name",
      "/providers.json:14: providers.4",
    ]);
    assert.ok(problems.every((problem) => !problem.includes(secret)));
    assert.match(problems.join("\n"), /api_host is no member of a provider of type oauth2: write api_hosts/);
    assert.match(problems.join("\n"), /providers\.3\.client_name must be a text/);
  });

  const wrong: readonly (readonly [content: unknown, problem: RegExp])[] = [
    [`{"providers": [{"client_secret": "${secret}" "x"}]}`, /it is not JSON/],
    ["[]", /must be \{"providers"/],
    [{ providers: [] }, /one provider at least/],
    [
      `{"providers": [{"name":"a",\n"name":"b","type":"github","client_id":"c","client_secret":"x"}]}`,
      /:2: providers\.0\.name stands there twice/,
    ],
    [{ providers: [{ ...plain, client_id: undefined }] }, /client_id must be/],
    [{ providers: [{ ...plain, client_secret: `${secret}\n` }] }, /client_secret /],
    [
      { providers: [{ ...plain, client_secret: undefined, client_secret_file: "nowhere" }] },
      /client_secret_file cannot be read/,
    ],
    [{ providers: [{ ...plain, identity: { userinfo: "https://a.example", sub: "id" } }] }, /identity must be/],
    [{ providers: [{ ...plain, identity: undefined }] }, /needs identity/],
    [{ providers: [{ ...plain, api_hosts: "api.example" }] }, /api_hosts must be a list/],
    [{ providers: [{ ...plain, client_authentication: "private_key_jwt" }] }, /client_authentication needs/],
    [
      { providers: [{ name: "m", type: "microsoft", tenant: "contoso.com", client_id: "c", client_secret: "x" }] },
      /tenant of microsoft/,
    ],
    [{ providers: [{ name: "t", type: "mcp", client_name: "Notes" }] }, /needs server/],
    [
      { providers: [{ name: "t", type: "mcp", client_name: "Notes", server: "http://mcp.example/mcp" }] },
      /providers\.0\.server .*give an https URL/,
    ],
    [
      {
        providers: [
          { name: "t", type: "mcp", client_name: "Notes", server: "https://mcp.example", client_secret: "x" },
        ],
      },
      /clientSecret without clientId/,
    ],
    [
      { providers: [{ name: "t", type: "mcp", client_name: "Notes", server: "https://mcp.example", issuer: "x" }] },
      /issuer is no member of a provider of type mcp/,
    ],
    [{ providers: [{ name: "g", type: "google", client_secret_file: "secret" }] }, /client_secret_file .*is not JSON/],
  ];
  for (const [content, problem] of wrong) {
    test(`a file of providers is refused: ${problem.source}`, async (t) => {
      const { providers, problems } = await read(t, content);
      assert.match(problems.join("\n"), problem);
      assert.ok(!problems.join("\n").includes(secret));
      assert.ok(providers.length < 2);
    });
  }

  test("an MCP server of the file has the addresses of the service that people reach", async (t) => {
    const folder = await temporaryFolder(t);
    const path = `${folder}/providers.json`;
    const mcp = { name: "tools", type: "mcp", server: "https://mcp.example/mcp", client_name: "Notes" };
    writeFileSync(path, JSON.stringify({ providers: [mcp, { ...mcp, name: "made", client_id: "c-1" }] }));
    const clientsAt = (baseUrl: string): unknown[] => {
      const problems: string[] = [];
      const clients = providersIn(path, problems, {}, baseUrl).map(({ client }) => client);
      assert.deepEqual(problems, []);
      return clients;
    };
    const register = { clientName: "Notes", redirectUri: "https://vault.example/connect/callback" };
    const documentUrl = "https://vault.example/oauth/client/tools.json";
    assert.deepEqual(clientsAt("https://vault.example"), [
      { register: { ...register, documentUrl } },
      { clientId: "c-1" },
    ]);
    assert.deepEqual(clientsAt("http://127.0.0.1:8787")[0], {
      register: { clientName: "Notes", redirectUri: "http://127.0.0.1:8787/connect/callback" },
    });
  });

  test("a file of providers that is not there is named by its setting", () => {
    const problems: string[] = [];
    assert.deepEqual(providersIn("/nowhere/providers.json", problems), []);
    assert.match(problems.join(), /^ONBEHALF_PROVIDERS_FILE: the file \/nowhere\/providers\.json cannot be read/);
  });

  test("variables that a file of providers names are known as secret, whatever they are called", async (t) => {
    const path = `${await temporaryFolder(t)}/providers.json`;
    writeFileSync(
      path,
      JSON.stringify({ providers: [{ client_secret_env: "GH_APP" }, { client_secret_env: "SLACK" }] }),
    );
    assert.deepEqual(secretVariablesIn(path), ["GH_APP", "SLACK"]);
    assert.deepEqual(secretVariablesIn(undefined), []);
  });
});

test("members are found by line, in objects and lists at any depth, with braces and quotes in their texts", () => {
  const { lines } = memberLines('{\n"a": {"b": [1,\n{"c": "}\\"]"},\n"d"]},\n"e": true}');
  assert.deepEqual(Object.fromEntries(lines), {
    a: 2,
    "a.b": 2,
    "a.b.0": 2,
    "a.b.1": 3,
    "a.b.1.c": 3,
    "a.b.2": 4,
    e: 5,
  });
});
