import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import type { Provider } from "../../src/index.ts";
import { providersIn } from "../../src/service/settings/providers-file.ts";
import { bentProvider } from "../support/bent-provider.ts";
import type { Bend, BentProvider } from "../support/bent-provider.ts";
import { checkout } from "../support/checkout-bin.ts";
import { fails } from "../support/fails.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { blocksFor } from "./block-runners.ts";

const blocks = blocksFor("providers");
const textOf = (language: string): string => blocks.find((block) => block.language === language)?.text ?? assert.fail();

/** The variables that entries of the page name. */
const secrets = Object.fromEntries(
  ["GITHUB", "WIKI", "NOTION", "SALESFORCE"].map((name) => [`${name}_CLIENT_SECRET`, "s3cret"]),
);

describe("docs/providers.md", () => {
  test("docs/providers.md has a file of providers that is taken as it stands", async (t) => {
    const path = `${await temporaryFolder(t)}/providers.json`;
    const names: string[] = [];
    for (const { text } of blocks.filter((block) => block.language === "json" && block.text.includes('"type"'))) {
      writeFileSync(path, text);
      const problems: string[] = [];
      names.push(...providersIn(path, problems, secrets).map(({ name }) => name));
      assert.deepEqual(problems, []);
    }
    assert.deepEqual(names, ["github", "wiki", "tools", "notion", "salesforce"]);
  });

  /** The entries of Notion and Salesforce, as they stand, reached at the bent provider. */
  async function exampleAt(t: TestContext, name: string, bend: Bend): Promise<BentProvider> {
    const path = `${await temporaryFolder(t)}/providers.json`;
    writeFileSync(path, blocks.find(({ text }) => text.includes('"notion"'))?.text ?? assert.fail());
    const problems: string[] = [];
    const record = providersIn(path, problems, secrets).find((each) => each.name === name) ?? assert.fail();
    assert.deepEqual(problems, []);
    const at = (url: string): Provider => ({
      ...record,
      endpoints: {
        authorizationEndpoint: `${url}/authorize`,
        tokenEndpoint: `${url}/token`,
        ...(name === "salesforce" ? { revocationEndpoint: `${url}/revoke` } : {}),
      },
    });
    return bentProvider(t, bend, { record: at });
  }

  for (const [owner, subject] of [
    [{ type: "user", user: { object: "user", id: "u-1", person: {} } }, "w-1:u-1"],
    [{ type: "workspace", workspace: true }, "w-1:b-1"],
  ] as const) {
    test(`Notion's entry in docs/providers.md takes its answer: ${subject}`, async (t) => {
      const body = { access_token: "ntn_1", token_type: "bearer", bot_id: "b-1", workspace_id: "w-1", owner };
      const w = await exampleAt(t, "notion", { token: () => ({ body: { ...body, refresh_token: "nrt_1" } }) });
      const grant = await w.connect();
      assert.deepEqual([grant.subject, grant.offline, grant.accessTokenEndKnown], [subject, true, false]);
      const [{ headers, form }] = w.requests as [(typeof w.requests)[0]];
      assert.match(headers.authorization ?? "", /^Basic /);
      assert.equal(form["client_secret"], undefined);
      await w.vault.revoke(grant);
      assert.equal((await w.vault.grant(grant)).state, "revoked");
    });
  }

  const salesforce = {
    access_token: "00D!AQ",
    signature: "x",
    scope: "api refresh_token",
    instance_url: "https://acme.my.salesforce.com",
    id: "https://login.salesforce.com/id/00D1/0051",
    token_type: "Bearer",
    issued_at: "1795305600000",
  };
  for (const [what, refusal, code, reason] of [
    [
      "a dead refresh token",
      { error: "invalid_grant", error_description: "expired access/refresh token" },
      "reauthorization_required",
      "invalid_grant",
    ],
    [
      "a person who was deactivated",
      { error: "inactive_user", error_description: "user is inactive" },
      "reauthorization_required",
      "account_disabled",
    ],
    ["a client that it does not know", { error: "invalid_client_id" }, "client_misconfigured", "wrong_client_secret"],
    ["too many requests", { error: "rate_limit_exceeded" }, "provider_unavailable", "provider_unavailable"],
  ] as const) {
    test(`Salesforce's entry in docs/providers.md knows ${what}`, async (t) => {
      let isRefused = false;
      const w = await exampleAt(t, "salesforce", {
        token: (_, { form }) =>
          isRefused
            ? { status: 400, body: refusal }
            : { body: form["code"] === undefined ? salesforce : { ...salesforce, refresh_token: "5Aep1" } },
      });
      const grant = await w.connect();
      assert.equal(grant.subject, salesforce.id);
      assert.deepEqual(grant.scopes, ["api", "refresh_token"]);
      // issued_at is no end: the token is good for the two hours that the entry says.
      w.clock.advance(7_000_000);
      await w.vault.getAccessToken(grant);
      assert.equal(w.count("/token"), 1);
      w.clock.advance(300_000);
      await w.vault.getAccessToken(grant);
      assert.equal(w.count("/token"), 2);
      isRefused = true;
      w.clock.advance(7_300_000);
      await assert.rejects(w.vault.getAccessToken(grant), fails(code));
      assert.equal((await w.vault.grant(grant)).reason, reason);
    });
  }

  test("docs/providers.md shows refusals that an entry takes as they stand", async (t) => {
    const path = `${await temporaryFolder(t)}/providers.json`;
    const shown = blocks.filter(({ language, text }) => language === "json" && text.includes("50076"));
    assert.equal(shown.length, 1);
    const refusals: unknown = JSON.parse(shown[0]?.text ?? "");
    const endpoints = { authorization_endpoint: "https://a.example/a", token_endpoint: "https://a.example/t" };
    const entry = { name: "a", type: "oauth2", ...endpoints, client_id: "c", identity: "none", refusals };
    writeFileSync(path, JSON.stringify({ providers: [entry] }));
    const problems: string[] = [];
    assert.deepEqual(providersIn(path, problems, {})[0]?.refusals, refusals);
    assert.deepEqual(problems, []);
  });

  test("docs/providers.md has a program that prints what stands below it", async (t) => {
    const path = `${await temporaryFolder(t)}/providers.ts`;
    const index = new URL("../../src/index.ts", import.meta.url).href;
    writeFileSync(path, textOf("ts").replace('from "onbehalf"', `from ${JSON.stringify(index)}`));
    const { stdout, stderr } = spawnSync(process.execPath, [path], { encoding: "utf8" });
    assert.equal(stdout.trim(), textOf("text").trim(), stderr);
  });

  test("docs/providers.md names every member that a provider may have", () => {
    const page = readFileSync(`${checkout}docs/providers.md`, "utf8");
    const source = readFileSync(`${checkout}src/service/settings/providers-file.ts`, "utf8");
    const [, tables = ""] = /const endpoints([^]*?)\/\*\* Tells/.exec(source) ?? [];
    const members = [...tables.matchAll(/"([a-z]+_[a-z_]+)"/g)].map(([, member = ""]) => member);
    assert.ok(members.length > 30);
    assert.deepEqual(
      members.filter((member) => !page.includes(`\`${member}\``)),
      [],
    );
  });
});
