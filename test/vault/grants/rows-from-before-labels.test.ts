import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { isOnbehalfError, keyringFromKeys, oauth2 } from "../../../src/index.ts";
import type { Grant, Vault } from "../../../src/index.ts";
import { openKeyring } from "../../../src/crypto/wrapped-keys.ts";
import { masterKeysOf } from "../../../src/crypto/master-key.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { openPerson, profilePlace } from "../../../src/vault/grants/sealed-grant.ts";
import { bentProvider } from "../../support/bent-provider.ts";
import { fails } from "../../support/fails.ts";
import { testVault } from "../../support/test-vault.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

/** Makes rows what they were before accounts had labels: the ids alone are sealed, and the subject stands for the label. */
async function withoutLabels(path: string, key: Parameters<typeof keyringFromKeys>[0]): Promise<void> {
  const masters = await masterKeysOf(keyringFromKeys(key));
  const store = sqlite(path);
  await store.open({});
  const stored = await store.readKeys();
  assert.ok(stored !== undefined);
  const keyring = openKeyring(stored.instance, stored.keys, masters);
  const rows = await store.listGrants({ limit: 10 });
  await store.close();
  const database = new DatabaseSync(path);
  for (const row of rows) {
    const { profile, externalIds } = openPerson(keyring, row);
    const before = { profile, externalIds: externalIds.map(({ externalId }) => externalId) };
    database
      .prepare("UPDATE grants SET profile_sealed = ? WHERE grant_id = ?")
      .run(keyring.seal(JSON.stringify(before), profilePlace(row)), row.grantId);
    database.prepare("UPDATE external_ids SET account_hash = ? WHERE grant_id = ?").run(row.subjectHash, row.grantId);
  }
  database.close();
}

async function here(t: TestContext): Promise<{ vault: Vault; ada: Grant; code(email: string): string }> {
  const { path, key, open, code } = await testVault(t);
  const first = await open();
  const ada = await first.exchangeCode({ code: code("ada@example.com"), externalId: "user-1" });
  await first.close();
  await withoutLabels(path, key);
  return { vault: await open(), ada, code };
}

test("a grant from before accounts had labels goes by its subject, in references, lists and refusals", async (t) => {
  const { vault, ada, code } = await here(t);
  const label = ada.subject;
  assert.deepEqual((await vault.grant({ externalId: "user-1" })).externalIds, [
    { externalId: "user-1", account: label },
  ]);
  for (let turn = 0; turn < 2; turn++) {
    assert.equal((await vault.getAccessToken({ externalId: "user-1", account: label })).grantId, ada.grantId);
  }
  for (const query of [{ account: label }, { account: label, externalId: "user-1" }]) {
    assert.deepEqual(
      (await vault.grants(query)).grants.map(({ grantId }) => grantId),
      [ada.grantId],
    );
  }
  const carl = await vault.exchangeCode({ code: code("carl@example.com"), externalId: "user-1" });
  await assert.rejects(vault.grant({ externalId: "user-1" }), (error) => {
    assert.ok(isOnbehalfError(error, "ambiguous_grant"));
    assert.deepEqual(
      new Map(error.details.accounts.map(({ account, grantId }) => [account, grantId])),
      new Map([
        [label, ada.grantId],
        [carl.subject, carl.grantId],
      ]),
    );
    return true;
  });
});

test("the label of a grant from before accounts had labels is held like any other, and can be changed", async (t) => {
  const { vault, ada, code } = await here(t);
  const taken = vault.exchangeCode({ code: code("carl@example.com"), externalId: "user-1", account: ada.subject });
  await assert.rejects(taken, fails("external_id_conflict"));
  const again = await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-1" });
  assert.deepEqual([again.grantId, again.account], [ada.grantId, ada.subject]);
  const renamed = await vault.exchangeCode({ code: code("ada@example.com"), externalId: "user-1", account: "work" });
  assert.deepEqual([renamed.grantId, renamed.externalIds], [ada.grantId, [{ externalId: "user-1", account: "work" }]]);
  assert.equal((await vault.grants({ account: "work" })).grants.length, 1);
  assert.equal((await vault.grants({ account: ada.subject })).grants.length, 0);
});

test("a grant from before accounts had labels is the default account where the provider names nobody", async (t) => {
  const path = `${await temporaryFolder(t)}/grants.db`;
  const { vault, open, connect, key } = await bentProvider(
    t,
    {},
    {
      vault: { store: sqlite(path) },
      record: (url) =>
        oauth2({
          name: "plain",
          authorizationEndpoint: `${url}/authorize`,
          tokenEndpoint: `${url}/token`,
          clientId: "cid",
          identity: "none",
        }),
    },
  );
  const first = await connect("ada/1", { externalId: "user-1" });
  await vault.close();
  await withoutLabels(path, key);
  const later = await open({ store: sqlite(path) });
  const connectLater = (code: string, account?: string): Promise<Grant> =>
    later.exchangeCode({
      code,
      source: "web-redirect",
      redirectUri: "https://app.example/callback",
      externalId: "user-1",
      ...(account === undefined ? {} : { account }),
    });
  assert.deepEqual([first.subject, first.account], ["plain:user-1", "default"]);
  assert.deepEqual((await later.grant({ externalId: "user-1", account: "default" })).grantId, first.grantId);
  assert.deepEqual(
    (await later.grants({ account: "default" })).grants.map(({ grantId }) => grantId),
    [first.grantId],
  );
  for (const [code, account] of [
    ["ada/2", undefined],
    ["ada/3", "default"],
  ] as const) {
    assert.equal((await connectLater(code, account)).grantId, first.grantId);
  }
  const work = await connectLater("carl/4", "work");
  assert.notEqual(work.grantId, first.grantId);
  assert.deepEqual([work.subject, work.account], ["plain/work:user-1", "work"]);
  assert.equal((await connectLater("carl/5", "work")).grantId, work.grantId);
  await assert.rejects(later.getAccessToken({ externalId: "user-1" }), fails("ambiguous_grant"));
  assert.equal((await later.getAccessToken({ externalId: "user-1", account: "default" })).grantId, first.grantId);
  assert.equal((await later.getAccessToken({ externalId: "user-1", account: "work" })).grantId, work.grantId);
  // Another person's grant of the same kind is not listed with them.
  assert.deepEqual(
    (await later.grants({ account: "work" })).grants.map(({ grantId }) => grantId),
    [work.grantId],
  );
  await later.revoke({ externalId: "user-1", account: "work" });
  assert.equal((await later.grant({ externalId: "user-1" })).grantId, first.grantId);
});
