import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { generateMasterKey, isOnbehalfError, keyringFromKeys } from "../../src/index.ts";
import type { VaultOptions } from "../../src/index.ts";
import { hold, rescued } from "../support/held-file.ts";
import { testVault, outcomes, until } from "../support/test-vault.ts";
import type { TestVault } from "../support/test-vault.ts";
import { untilRefreshed, expiredGrants } from "../support/expired-grants.ts";
import { startVaultProcess } from "../support/vault-processes.ts";

/** Changes one bit of a sealed value, as a failing disk would. */
function flip({ path }: TestVault, column: string, grantId: string): void {
  const file = new DatabaseSync(path, { timeout: 5_000 });
  const row = file.prepare(`SELECT ${column} AS value FROM grants WHERE grant_id = ?`).get(grantId);
  const value = Uint8Array.from(row?.["value"] as Uint8Array);
  value[value.length - 20] = (value[value.length - 20] ?? 0) ^ 1;
  file.prepare(`UPDATE grants SET ${column} = ? WHERE grant_id = ?`).run(value, grantId);
  file.close();
}

describe("a file that somebody else holds", () => {
  test("another program holds the database file when the answer comes: callers get the token at once, and it is stored later", async (t) => {
    const fixture = await testVault(t, { rotation: "strict", provider: { rotation: "strict" } });
    const { standin, clock, open, code, events, newRequests } = fixture;
    const vault = await open();
    const { grantId } = await vault.exchangeCode({ code: code("ada@example.com") });
    clock.advance(3_700_000);
    newRequests();
    standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 100 });
    const waiting = vault.getAccessToken(grantId);
    await untilRefreshed(fixture);
    const release = hold(fixture);
    const { token } = await waiting;
    assert.match(token, /^ya29\./);
    assert.equal((await vault.getAccessToken(grantId)).token, token, "others are served the same one");
    release();
    await until(() => events.some(({ type }) => type === "refreshed"));
    assert.deepEqual(outcomes(newRequests()), { refreshed: 1 });
    await vault.close();

    const next = await open();
    assert.equal((await next.getAccessToken(grantId)).token, token);
    clock.advance(3_700_000);
    assert.match((await next.getAccessToken(grantId)).token, /^ya29\./, "its refresh token was kept");
  });

  test("another program holds the database file before the request leaves: nothing is spent, living tokens are served", async (t) => {
    const fixture = await testVault(t);
    const { clock, open, code, newRequests } = fixture;
    const vault = await open();
    const expired = await vault.exchangeCode({ code: code("ada@example.com") });
    clock.advance(3_000_000);
    const fresh = await vault.exchangeCode({ code: code("carl@example.com") });
    const { token } = await vault.getAccessToken(fresh.grantId);
    clock.advance(700_000);
    newRequests();
    const release = hold(fixture);
    const refused = assert.rejects(vault.getAccessToken(expired.grantId), (error) => {
      assert.ok(isOnbehalfError(error, "store_unavailable"));
      assert.match(error.message, /locked/);
      return true;
    });
    assert.equal((await vault.getAccessToken(fresh.grantId)).token, token);
    await refused;
    assert.equal(newRequests().length, 0, "no token is spent before its attempt is stored");
    release();
    assert.match((await vault.getAccessToken(expired.grantId)).token, /^ya29\./);
    assert.equal((await vault.grant(expired.grantId)).state, "active");
  });

  test("a crash while another program holds the database file: the answer is in the rescue journal, sealed, and is found there", async (t) => {
    const fixture = await expiredGrants(t, "strict");
    const { standin, open, grantId, newRequests } = fixture;
    const doomed = await startVaultProcess(t, fixture);
    standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 100 });
    const served = doomed.tokens(grantId);
    await untilRefreshed(fixture);
    const release = hold(fixture);
    const [token = ""] = await served;
    assert.match(token, /^ya29\./);
    await until(() => rescued(fixture).length > 0);
    for (const file of rescued(fixture)) assert.doesNotMatch(readFileSync(file, "utf8"), /ya29\.|1\/\/0[\w-]{40}/);
    await doomed.kill();
    release();

    const next = await open();
    await until(async () => (await next.grant(grantId)).generation === 2);
    assert.equal((await next.getAccessToken(grantId)).token, token);
    assert.equal((await next.grant(grantId)).state, "active");
    assert.deepEqual(outcomes(newRequests()), { refreshed: 1 });
    await until(() => rescued(fixture).length === 0);
  });
});

describe("a sealed value that was damaged", () => {
  for (const column of ["access_sealed", "refresh_sealed"]) {
    test(`a sealed value that was damaged: ${column}: that grant is unreadable, the others go on, and a new consent heals it`, async (t) => {
      const fixture = await testVault(t);
      const { standin, clock, open, code, newRequests } = fixture;
      const vault = await open();
      const hurt = await vault.exchangeCode({ code: code("ada@example.com") });
      const sound = await vault.exchangeCode({ code: code("carl@example.com") });
      await vault.close();
      flip(fixture, column, hurt.grantId);
      newRequests();

      const next = await open();
      if (column === "refresh_sealed") clock.advance(3_700_000);
      for (let turn = 0; turn < 2; turn++) {
        await assert.rejects(next.getAccessToken(hurt.grantId), (error) => {
          assert.ok(isOnbehalfError(error, "grant_unreadable"));
          assert.equal(error.details.grantId, hurt.grantId);
          return true;
        });
      }
      assert.ok(newRequests().length === 0, "nothing was spent");
      const file = new DatabaseSync(fixture.path, { readOnly: true });
      assert.deepEqual(
        file.prepare("SELECT * FROM attempts").all(),
        [],
        "and no attempt stands as if one had been spent",
      );
      file.close();
      assert.match((await next.getAccessToken(sound.grantId)).token, /^ya29\./);
      assert.equal((await next.grant(hurt.grantId)).profile.email, "ada@example.com");
      assert.equal((await next.grants()).grants.length, 2);
      const again = await next.exchangeCode({ code: standin.code({ email: "ada@example.com", force: true }) });
      assert.equal(again.grantId, hurt.grantId);
      assert.match((await next.getAccessToken(hurt.grantId)).token, /^ya29\./);
    });
  }

  test("a sealed value that was damaged: profile_sealed: tokens are still handed out, and a list shows the others", async (t) => {
    const fixture = await testVault(t);
    const { open, code } = fixture;
    const vault = await open();
    const hurt = await vault.exchangeCode({ code: code("ada@example.com") });
    const sound = await vault.exchangeCode({ code: code("carl@example.com") });
    flip(fixture, "profile_sealed", hurt.grantId);
    assert.match((await vault.getAccessToken(hurt.grantId)).token, /^ya29\./);
    await assert.rejects(vault.grant(hurt.grantId), (error) => isOnbehalfError(error, "grant_unreadable"));
    assert.deepEqual(
      (await vault.grants()).grants.map(({ grantId }) => grantId),
      [sound.grantId],
    );
  });

  test("a sealed value that was copied from another row does not open", async (t) => {
    const fixture = await testVault(t);
    const { open, code } = fixture;
    const vault = await open();
    const one = await vault.exchangeCode({ code: code("ada@example.com") });
    const two = await vault.exchangeCode({ code: code("carl@example.com") });
    const file = new DatabaseSync(fixture.path, { timeout: 5_000 });
    file
      .prepare(
        "UPDATE grants SET access_sealed = (SELECT access_sealed FROM grants WHERE grant_id = ?) WHERE grant_id = ?",
      )
      .run(one.grantId, two.grantId);
    file.close();
    await assert.rejects(vault.getAccessToken(two.grantId), (error) => isOnbehalfError(error, "grant_unreadable"));
  });
});

describe("opening", () => {
  test("opening a vault with another master key is refused, and touches nothing", async (t) => {
    const fixture = await testVault(t);
    const vault = await fixture.open();
    const { grantId } = await vault.exchangeCode({ code: fixture.code("ada@example.com") });
    await vault.close();
    const before = readFileSync(fixture.path);
    await assert.rejects(fixture.open({ keyring: keyringFromKeys(generateMasterKey()) }), (error) => {
      assert.ok(isOnbehalfError(error, "key_invalid"));
      assert.match(error.message, /another master key/);
      return true;
    });
    assert.deepEqual(readFileSync(fixture.path), before);
    const again = await fixture.open();
    assert.match((await again.getAccessToken(grantId)).token, /^ya29\./);
  });

  const keys: Readonly<Record<string, readonly string[]>> = {
    "no key at all": [],
    "something that is no key": ["hunter2"],
    "a key that was cut": [generateMasterKey().expose().slice(0, -1)],
  };
  for (const [name, given] of Object.entries(keys)) {
    test(`opening a vault with ${name} is refused before the store is touched`, async (t) => {
      const fixture = await testVault(t);
      await assert.rejects(fixture.open({ keyring: keyringFromKeys(...given) }), (error) => {
        assert.ok(isOnbehalfError(error, "key_invalid"));
        assert.doesNotMatch(error.message + error.hint, /hunter2/);
        return true;
      });
      assert.equal(existsSync(fixture.path), false, "no store was made that no key fits");
    });
  }

  test("opening a vault: a file that is no database, or a damaged one, is refused, and left as it is", async (t) => {
    const fixture = await testVault(t);
    writeFileSync(fixture.path, "not a database at all, but long enough to be looked at ".repeat(20));
    const before = readFileSync(fixture.path);
    await assert.rejects(fixture.open(), (error) => isOnbehalfError(error, "store_unusable"));
    assert.deepEqual(readFileSync(fixture.path), before);
  });

  const mistakes: Readonly<Record<string, (fixture: TestVault) => Partial<VaultOptions>>> = {
    "without a provider": () => ({ providers: [] }),
    "with two providers of one name": ({ provider }) => ({ providers: [provider, provider] }),
    "with an exchange timeout of nothing": () => ({ exchangeTimeoutMs: 0 }),
    "with an exchange timeout beyond the take-over limit": () => ({ exchangeTimeoutMs: 30_001 }),
    "with an exchange timeout that is no number": () => ({ exchangeTimeoutMs: Number.NaN }),
  };
  for (const [name, options] of Object.entries(mistakes)) {
    test(`opening a vault: ${name} is refused before the store is touched`, async (t) => {
      const fixture = await testVault(t);
      await assert.rejects(fixture.open(options(fixture)), (error) => isOnbehalfError(error, "configuration_invalid"));
      assert.equal(existsSync(fixture.path), false);
    });
  }
});

test("closing waits for what is under way, and is done once", async (t) => {
  const { standin, clock, open, code, events } = await testVault(t);
  const vault = await open();
  const { grantId } = await vault.exchangeCode({ code: code("ada@example.com") });
  clock.advance(3_700_000);
  standin.fault("POST", "/token", { times: 1, delayMs: 100 });
  const last = vault.getAccessToken(grantId);
  const closing = [vault.close(), vault.close()];
  assert.match((await last).token, /^ya29\./);
  await Promise.all(closing);
  assert.equal(events.at(-1)?.type, "refreshed");
  await assert.rejects(vault.grant(grantId), (error) => isOnbehalfError(error, "store_unavailable"));
});
