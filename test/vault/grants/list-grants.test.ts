import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isOnbehalfError, parseGrantRef } from "../../../src/index.ts";
import type { GrantQuery, Vault } from "../../../src/index.ts";
import { testVault } from "../../support/test-vault.ts";

const emails = ["ada", "carl", "emmy", "sofia", "alan"].map((name) => `${name}@example.com`);

async function all(vault: Vault, query: GrantQuery): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await vault.grants({ ...query, ...(cursor === undefined ? {} : { cursor }) });
    found.push(...page.grants.map(({ profile }) => profile.email ?? ""));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}

describe("the list of grants", () => {
  test("the list of grants comes in pages, each grant once, whatever their size; and narrows by state, person and user", async (t) => {
    const { open, code } = await testVault(t);
    const vault = await open();
    const grants = [];
    for (const email of emails) {
      grants.push(await vault.exchangeCode({ code: code(email), externalId: `user-of-${email}` }));
    }
    for (const limit of [1, 2, 4, 5, 6, 500]) {
      assert.deepEqual((await all(vault, { limit })).sort(), [...emails].sort(), `pages of ${limit}`);
    }
    const [first, second] = grants;
    assert.ok(first !== undefined && second !== undefined);
    await vault.revoke(first);
    assert.deepEqual(await all(vault, { state: "revoked" }), [first.profile.email]);
    assert.equal((await all(vault, { state: "active" })).length, emails.length - 1);
    assert.deepEqual(await all(vault, { subject: second.subject }), [second.profile.email]);
    assert.deepEqual(await all(vault, { subject: second.subject, state: "revoked" }), []);
    assert.deepEqual(await all(vault, { externalId: `user-of-${emails[1]}` }), [second.profile.email]);
    assert.deepEqual(await all(vault, { externalId: second.subject }), []);
    assert.equal((await all(vault, { provider: "google" })).length, emails.length);
  });

  const wrong: readonly (readonly [string, GrantQuery, string])[] = [
    ["no limit", { limit: 0 }, "limit"],
    ["half a grant", { limit: 1.5 }, "limit"],
    ["too many", { limit: 501 }, "limit"],
    ["a cursor that is none", { cursor: "' OR 1=1" }, "cursor"],
    ["somebody at a provider that is not there", { subject: "1", provider: "nobody" }, "provider"],
  ];
  for (const [name, query, parameter] of wrong) {
    test(`the list of grants with ${name} is refused`, async (t) => {
      const { open } = await testVault(t);
      const vault = await open();
      await assert.rejects(
        vault.grants(query),
        (error) => isOnbehalfError(error, "invalid_request") && error.details.parameter === parameter,
      );
    });
  }

  test("the list of a subject's grants asks which provider, where there are several", async (t) => {
    const { open, provider, code } = await testVault(t);
    const vault = await open({
      providers: [provider, { ...provider, name: "other", issuer: "https://other.example" }],
    });
    const { subject } = await vault.exchangeCode({ code: code("ada@example.com"), provider: "google" });
    await assert.rejects(vault.grants({ subject }), (error) => isOnbehalfError(error, "invalid_request"));
    assert.equal((await vault.grants({ subject, provider: "google" })).grants.length, 1);
    assert.equal((await vault.grants({ subject, provider: "other" })).grants.length, 0);
  });
});

describe("a user of the app", () => {
  test("a user of the app who disconnected one account and connected another is found by the other", async (t) => {
    const { open, code } = await testVault(t);
    const vault = await open();
    const one = await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-42" });
    await vault.revoke(one);
    const two = await vault.exchangeCode({ code: code("carl@example.com"), externalId: "user-42" });
    assert.equal((await vault.grant({ externalId: "user-42" })).grantId, two.grantId);
    assert.deepEqual((await vault.grant(one)).externalIds, []);
  });

  test("an account that two users of the app have connected is found by either, and named by the one asked for", async (t) => {
    const { standin, open, code } = await testVault(t);
    const vault = await open();
    const { grantId } = await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-42" });
    const second = await vault.exchangeCode({
      code: standin.code({ email: "ada@example.com", force: true }),
      externalId: "user-43",
    });
    assert.deepEqual([second.grantId, second.externalId], [grantId, "user-43"]);
    for (const externalId of ["user-42", "user-43"]) {
      assert.equal((await vault.getAccessToken({ externalId })).grantId, grantId);
      const grant = await vault.grant({ externalId });
      assert.equal(grant.externalId, externalId);
      const account = grant.subject;
      assert.deepEqual(grant.externalIds, [
        { externalId: "user-42", account },
        { externalId: "user-43", account },
      ]);
      const { grants } = await vault.grants({ externalId });
      assert.deepEqual(
        grants.map((each) => [each.grantId, each.externalId]),
        [[grantId, externalId]],
      );
    }
    assert.equal((await vault.grant(grantId)).externalId, "user-42", "the first");
  });
});

describe("a reference as it is written", () => {
  const good: readonly (readonly [string, string | undefined, object])[] = [
    ["g_abc-DEF_123", undefined, { grantId: "g_abc-DEF_123" }],
    ["sub:1234", undefined, { subject: "1234" }],
    ["ext:user-42", "google", { externalId: "user-42", provider: "google" }],
    ["ext:sub:1", undefined, { externalId: "sub:1" }],
    ["ext:ä b/c", undefined, { externalId: "ä b/c" }],
  ];
  for (const [text, provider, ref] of good) {
    test(`a grant reference: ${JSON.stringify(text)} is read`, () => {
      assert.deepEqual(parseGrantRef(text, provider), ref);
    });
  }
  for (const text of ["", "g_", "g_ä", "g_a.b", "G_abc", "sub:", "ext:", "Sub:1", "abc", `ext:${"x".repeat(513)}`]) {
    test(`a grant reference: ${JSON.stringify(text.slice(0, 12))} is refused`, () => {
      assert.throws(
        () => parseGrantRef(text),
        (error) => isOnbehalfError(error, "invalid_request") && error.details.parameter === "ref",
      );
    });
  }
});
