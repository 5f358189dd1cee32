import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Caller, Permission, Vault } from "../../../src/index.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { permissions } from "../../../src/vault/http/callers.ts";
import { fails } from "../../support/fails.ts";
import { sharedStandin, testVault } from "../../support/test-vault.ts";
import type { SharedStandin } from "../../support/test-vault.ts";

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

const hourMs = 3_600_000;

describe("rotating a key", () => {
  test("both keys work until the overlap is over, in every process, with one caller id", async (t) => {
    const { open, clock } = await testVault(t, { shared });
    const [vault, other] = [await open(), await open()];
    const first = await vault.callers.create("app", { allow: ["token"], grants: ["ext:a*"] });
    const second = await vault.callers.rotate("app", { overlapMs: 24 * hourMs });
    assert.equal(second.caller.callerId, first.caller.callerId);
    assert.deepEqual(second.caller.grants, ["ext:a*"]);
    for (const key of [first.key, second.key]) {
      assert.equal((await other.callers.authenticate(`Bearer ${key.expose()}`)).callerId, first.caller.callerId);
    }
    clock.advance(24 * hourMs);
    assert.equal(other.callers.peek(`Bearer ${first.key.expose()}`), undefined);
    await assert.rejects(other.callers.authenticate(`Bearer ${first.key.expose()}`), fails("unauthorized"));
    await other.callers.authenticate(`Bearer ${second.key.expose()}`);
  });

  test("without an overlap every old key ends at once, the one before the last rotation too", async (t) => {
    const { open } = await testVault(t, { shared });
    const { callers } = await open();
    const first = await callers.create("app", { allow: [] });
    const second = await callers.rotate("app", { overlapMs: hourMs });
    await assert.rejects(callers.rotate("app", { overlapMs: hourMs }), fails("invalid_request"));
    const third = await callers.rotate("app", { overlapMs: 0 });
    for (const { key } of [first, second]) {
      await assert.rejects(callers.authenticate(`Bearer ${key.expose()}`), fails("unauthorized"));
    }
    await callers.authenticate(`Bearer ${third.key.expose()}`);
  });

  test("a rotation lengthens no old key, and revoking ends both", async (t) => {
    const { open, clock } = await testVault(t, { shared });
    const { callers } = await open();
    const expiresAt = new Date(clock.now() + hourMs);
    const first = await callers.create("app", { allow: [], expiresAt });
    const later = new Date(clock.now() + 9 * hourMs);
    const second = await callers.rotate("app", { overlapMs: 2 * hourMs, expiresAt: later });
    assert.deepEqual(second.caller.previousKeyUntil, expiresAt);
    clock.advance(hourMs);
    await assert.rejects(callers.authenticate(`Bearer ${first.key.expose()}`), fails("unauthorized"));
    await callers.authenticate(`Bearer ${second.key.expose()}`);
    const third = await callers.rotate("app", { overlapMs: hourMs });
    await callers.revoke("app");
    for (const { key } of [second, third]) {
      await assert.rejects(callers.authenticate(`Bearer ${key.expose()}`), fails("unauthorized"));
    }
    await assert.rejects(callers.rotate("app", { overlapMs: 0 }), fails("invalid_request"));
  });

  test("of two rotations at once one wins, and its key works", async (t) => {
    const { open } = await testVault(t, { shared });
    const [one, two] = [await open(), await open()];
    await one.callers.create("app", { allow: [] });
    const both = await Promise.allSettled([one, two].map(({ callers }) => callers.rotate("app", { overlapMs: 0 })));
    for (const result of both) {
      if (result.status === "rejected") assert.ok(fails("invalid_request")(result.reason));
    }
    const last = both.flatMap((result) => (result.status === "fulfilled" ? [result.value.key] : []));
    const works = await Promise.allSettled(last.map((key) => one.callers.authenticate(`Bearer ${key.expose()}`)));
    assert.equal(works.filter(({ status }) => status === "fulfilled").length, 1);
  });
});

describe("what is known of a caller", () => {
  test("the last use is noted to ten minutes, and a store that cannot be written refuses no key", async (t) => {
    const { open, clock, path } = await testVault(t, { shared });
    const store = sqlite(path);
    const vault = await open({ store });
    const { key } = await vault.callers.create("app", { allow: [] });
    const use = async (): Promise<Date | undefined> => {
      await vault.callers.authenticate(`Bearer ${key.expose()}`);
      await vault.callers.settled();
      return (await vault.callers.list())[0]?.lastUsedAt;
    };
    const first = clock.now();
    assert.deepEqual((await vault.callers.list())[0]?.lastUsedAt, undefined);
    assert.deepEqual(await use(), new Date(first));
    clock.advance(599_000);
    assert.deepEqual(await use(), new Date(first));
    clock.advance(1_000);
    assert.deepEqual(await use(), new Date(first + 600_000));
    clock.advance(600_000);
    store.noteCallerUse = () => Promise.reject(new Error("disk full"));
    assert.deepEqual(await use(), new Date(first + 600_000));
  });

  test("selectors are sealed in the store, and a key with damaged ones is refused", async (t) => {
    const { open, path, clock } = await testVault(t, { shared });
    const store = sqlite(path);
    const vault = await open({ store });
    const { key, caller } = await vault.callers.create("app", { allow: [], grants: ["ext:secret-user"] });
    const row = (await store.callerById(caller.callerId)) ?? assert.fail("no row");
    assert.doesNotMatch(Buffer.from(row.grantsSealed ?? []).toString("latin1"), /secret-user/);
    await store.replaceCaller({ ...row, grantsSealed: Buffer.alloc(60) }, row, "caller.narrowed");
    clock.advance(1_000);
    await assert.rejects(vault.callers.authenticate(`Bearer ${key.expose()}`), fails("unauthorized"));
  });
});

describe("creating grants", () => {
  const caller = async (
    vault: Vault,
    options: { allow?: readonly Permission[]; grants?: readonly string[] },
  ): Promise<Caller> =>
    (await vault.callers.create(`c${Math.random()}`, { allow: ["grants:create"], ...options })).caller;

  test("a caller with selectors creates grants inside them alone, and no code is spent on others", async (t) => {
    const fixture = await testVault(t, { shared });
    const vault = await fixture.open();
    const view = vault.forCaller(await caller(vault, { grants: ["ext:user-1", "ext:team:*"] }));
    fixture.newRequests();
    for (const externalId of [undefined, "user-2", "USER-1", "user-1 ", "team"]) {
      const asked = { code: fixture.code("eve@example.com"), ...(externalId === undefined ? {} : { externalId }) };
      await assert.rejects(view.exchangeCode(asked), fails("forbidden"), String(externalId));
    }
    assert.equal(fixture.newRequests().length, 0);
    const grant = await view.exchangeCode({ code: fixture.code("eve@example.com"), externalId: "user-1" });
    await vault.exchangeCode({ code: fixture.code("eve@example.com"), externalId: "other-9" });
    const again = await view.exchangeCode({ code: fixture.code("eve@example.com"), externalId: "team:1" });
    assert.deepEqual(again.externalIds.map(({ externalId }) => externalId).sort(), ["team:1", "user-1"]);
    const seen = await view.grant(grant.grantId);
    assert.deepEqual(seen.externalIds.map(({ externalId }) => externalId).sort(), ["team:1", "user-1"]);
    await assert.rejects(view.grant({ externalId: "other-9" }), fails("grant_not_found"));
  });

  test("an external id is taken from a grant in use only with a permission of its own", async (t) => {
    const fixture = await testVault(t, { shared });
    const vault = await fixture.open();
    const victim = await vault.exchangeCode({ code: fixture.code("ada@example.com"), externalId: "user-1" });
    const asked = (): Parameters<Vault["exchangeCode"]>[0] => ({
      code: fixture.code("eve@example.com"),
      externalId: "user-1",
      moveExternalId: true,
    });
    fixture.newRequests();
    await assert.rejects(vault.forCaller(await caller(vault, {})).exchangeCode(asked()), fails("forbidden"));
    assert.equal(fixture.newRequests().length, 0);
    assert.equal((await vault.grant({ externalId: "user-1" })).grantId, victim.grantId);
    const mover = await caller(vault, { allow: ["grants:create", "grants:move"] });
    const moved = await vault.forCaller(mover).exchangeCode(asked());
    assert.equal((await vault.grant({ externalId: "user-1" })).grantId, moved.grantId);
  });
});

describe("a service of another client", () => {
  test("a vault hands out no token that another client of the provider stored, not even one that lives", async (t) => {
    const { open, provider, code, standin } = await testVault(t, { shared });
    const first = await open();
    const theirs = await first.exchangeCode({ code: code("ada@example.com"), externalId: "user-1" });
    await first.close();
    const { clientId } = standin.client({ loopback: true });
    const vault = await open({ providers: [{ ...provider, client: { clientId } }] });
    await assert.rejects(vault.getAccessToken({ externalId: "user-1" }), fails("client_misconfigured"));
    await assert.rejects(vault.getAccessToken(theirs.grantId), fails("client_misconfigured"));
    const { caller } = await vault.callers.create("app", { allow: permissions });
    const view = vault.forCaller(caller);
    await assert.rejects(view.getAccessToken({ externalId: "user-1" }), fails("grant_not_found"));
    assert.deepEqual(await view.grants({}), { grants: [] });
  });
});

describe("narrowing a caller", () => {
  test("takes away what was not named, at once in this process and within a second in others", async (t) => {
    const { open, clock } = await testVault(t, { shared });
    const [here, there] = [await open(), await open()];
    const { key } = await here.callers.create("app", { allow: ["token", "proxy"], grants: ["ext:a*", "g_1"] });
    const bearer = `Bearer ${key.expose()}`;
    for (const vault of [here, there]) await vault.callers.authenticate(bearer);
    const narrowed = await here.callers.narrow("app", { allow: ["token"], grants: ["g_1"], providers: ["google"] });
    assert.deepEqual([narrowed.allow, narrowed.grants, narrowed.providers], [["token"], ["g_1"], ["google"]]);
    assert.deepEqual((await here.callers.authenticate(bearer)).allow, ["token"]);
    clock.advance(1_000);
    const other = await there.callers.authenticate(bearer);
    assert.deepEqual([other.allow, other.grants, other.providers], [["token"], ["g_1"], ["google"]]);
    assert.equal(narrowed.expiresAt, undefined);
  });

  test("of a rotation and a narrowing that read the same row, the later one does nothing", async (t) => {
    const { open, path } = await testVault(t, { shared });
    const store = sqlite(path);
    const vault = await open({ store });
    await vault.callers.create("app", { allow: ["token", "proxy"] });
    const { listCallers } = store;
    const stale = await listCallers.call(store);
    await vault.callers.narrow("app", { allow: ["token"] });
    store.listCallers = () => Promise.resolve(stale);
    await assert.rejects(vault.callers.rotate("app", { overlapMs: 0 }), fails("invalid_request"));
    await assert.rejects(vault.callers.narrow("app", { grants: ["ext:a"] }), fails("invalid_request"));
    store.listCallers = listCallers;
    const [now] = await vault.callers.list();
    assert.deepEqual([now?.allow, now?.grants], [["token"], ["*"]]);
  });

  test("gives a caller neither a permission, a selector, a provider nor time that it has not", async (t) => {
    const { open, clock } = await testVault(t, { shared });
    const vault = await open();
    const expiresAt = new Date(clock.now() + 1_000);
    await vault.callers.create("app", { allow: ["token"], grants: ["ext:a*"], providers: ["google"], expiresAt });
    for (const [options, code] of [
      [{ allow: ["proxy"] }, "forbidden"],
      [{ grants: ["ext:*"] }, "forbidden"],
      [{ grants: ["ext:a1", "g_1"] }, "forbidden"],
      [{ providers: ["google", "other"] }, "forbidden"],
      [{ expiresAt: new Date(clock.now() + 1_001) }, "forbidden"],
      [{}, "invalid_request"],
      [{ allow: undefined }, "invalid_request"],
      [{ providers: [] }, "invalid_request"],
      [{ grants: ["a"] }, "invalid_request"],
      [{ alow: ["token"] }, "invalid_request"],
    ] as const) {
      await assert.rejects(vault.callers.narrow("app", options as object), fails(code), JSON.stringify(options));
    }
    await assert.rejects(vault.callers.narrow("nobody", { allow: ["token"] }), fails("invalid_request"));
    await vault.callers.revoke("app");
    await assert.rejects(vault.callers.narrow("app", { allow: ["token"] }), fails("invalid_request"));
  });
});
