import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import type { TestContext } from "node:test";
import type { Caller, CreateSessionOptions, Secret, Vault } from "../../../src/index.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { permissions } from "../../../src/vault/http/callers.ts";
import { fails } from "../../support/fails.ts";
import { sharedStandin, testVault, until } from "../../support/test-vault.ts";
import type { SharedStandin, TestVault } from "../../support/test-vault.ts";

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

const everything = permissions.filter((each) => each !== "sessions" && each !== "handles");
const usual: CreateSessionOptions = { allow: ["token"], grants: ["*"] };
const bearer = (key: Secret): string => `Bearer ${key.expose()}`;

/** A vault with a caller that may make sessions. */
async function made(
  t: TestContext,
): Promise<{ readonly fixture: TestVault; readonly vault: Vault; readonly maker: Caller; readonly makerKey: Secret }> {
  const fixture = await testVault(t, { shared });
  const vault = await fixture.open();
  const { caller: maker, key: makerKey } = await vault.callers.create("backend", { allow: permissions });
  return { fixture, vault, maker, makerKey };
}

describe("a session", () => {
  test("is its maker with less, in every process, and says which session it is", async (t) => {
    const { fixture, vault, maker } = await made(t);
    const other = await fixture.open();
    const { session, key } = await vault.sessions.create(maker, {
      allow: ["token", "proxy"],
      grants: ["ext:a*", "ext:b"],
      providers: ["google"],
      scopes: ["x"],
      expiresInSeconds: 60,
    });
    assert.match(key.expose(), new RegExp(`^obs_${session.sessionId}_[0-9a-f]{64}_[0-9a-f]{8}$`));
    const caller = await other.callers.authenticate(bearer(key));
    assert.equal(caller.callerId, maker.callerId);
    assert.equal(caller.name, "backend");
    assert.deepEqual(
      [caller.allow, caller.grants, caller.providers],
      [["token", "proxy"], ["ext:a*", "ext:b"], ["google"]],
    );
    assert.deepEqual(caller.session, {
      sessionId: session.sessionId,
      expiresAt: new Date(fixture.clock.now() + 60_000),
      scopes: ["x"],
      makerGrants: ["*"],
    });
    assert.equal(other.callers.peek(bearer(key)), caller);
    assert.equal(await other.callers.authenticate(bearer(key)), caller);
  });

  test("ends at its time, and lasts an hour where nobody says how long", async (t) => {
    const { fixture, vault, maker } = await made(t);
    const { session, key } = await vault.sessions.create(maker, usual);
    assert.equal(session.expiresAt.getTime(), fixture.clock.now() + 3_600_000);
    await vault.callers.authenticate(bearer(key));
    fixture.clock.advance(3_600_000);
    assert.equal(vault.callers.peek(bearer(key)), undefined);
    await assert.rejects(vault.callers.authenticate(bearer(key)), fails("unauthorized"));
  });

  test("ends no later than the key that made it: also one that works only until a rotation's overlap is over", async (t) => {
    const { fixture, vault } = await made(t);
    const end = new Date(fixture.clock.now() + 120_000);
    const { caller } = await vault.callers.create("short", { allow: permissions, expiresAt: end });
    const one = await vault.sessions.create(caller, usual);
    assert.deepEqual(one.session.expiresAt, end);
    const { key: old } = await vault.callers.create("rotated", { allow: permissions });
    await vault.callers.rotate("rotated", { overlapMs: 300_000 });
    const withOld = await vault.callers.authenticate(bearer(old));
    const two = await vault.sessions.create(withOld, usual);
    assert.equal(two.session.expiresAt.getTime(), fixture.clock.now() + 300_000);
  });

  test("goes on when its maker's key is rotated, with and without an overlap", async (t) => {
    const { vault, maker } = await made(t);
    const { key } = await vault.sessions.create(maker, usual);
    await vault.callers.rotate("backend", { overlapMs: 1_000 });
    await vault.callers.authenticate(bearer(key));
    await vault.callers.rotate("backend", { overlapMs: 0 });
    await vault.callers.authenticate(bearer(key));
    assert.equal(await vault.sessions.revokeAll("backend"), 1);
    await assert.rejects(vault.callers.authenticate(bearer(key)), fails("unauthorized"));
  });

  for (const [how, end] of [
    ["its maker is revoked", (vault: Vault) => vault.callers.revoke("backend")],
    ["it is ended", async (vault: Vault, sessionId: string) => vault.sessions.revoke(sessionId)],
    ["all of its maker are ended", async (vault: Vault) => vault.sessions.revokeAll("backend")],
  ] as const) {
    test(`is refused at once in the process where ${how}, and within a second in every other`, async (t) => {
      const { fixture, vault, maker } = await made(t);
      const others = [await fixture.open(), await fixture.open()];
      const { session, key } = await vault.sessions.create(maker, usual);
      for (const each of [vault, ...others]) await each.callers.authenticate(bearer(key));
      await end(vault, session.sessionId);
      assert.equal(vault.callers.peek(bearer(key)), undefined);
      await assert.rejects(vault.callers.authenticate(bearer(key)), fails("unauthorized"));
      fixture.clock.advance(1_000);
      for (const each of others) {
        assert.equal(each.callers.peek(bearer(key)), undefined);
        await assert.rejects(each.callers.authenticate(bearer(key)), fails("unauthorized"));
      }
    });
  }

  test("ends when its maker's key expires, though it was to last longer when it was made", async (t) => {
    const { fixture, vault, maker } = await made(t);
    const { key } = await vault.sessions.create(maker, usual);
    await vault.callers.rotate("backend", { overlapMs: 0, expiresAt: new Date(fixture.clock.now() + 60_000) });
    await vault.callers.authenticate(bearer(key));
    fixture.clock.advance(60_000);
    await assert.rejects(vault.callers.authenticate(bearer(key)), fails("unauthorized"));
  });

  test("a caller of the same name that is made later gets none of the sessions", async (t) => {
    const { vault, maker } = await made(t);
    const { session, key } = await vault.sessions.create(maker, usual);
    await vault.callers.revoke("backend");
    const { caller } = await vault.callers.create("backend", { allow: permissions });
    await assert.rejects(vault.callers.authenticate(bearer(key)), fails("unauthorized"));
    assert.deepEqual(await vault.sessions.list(caller), { sessions: [] });
    assert.equal(await vault.sessions.revoke(session.sessionId, caller), false);
  });

  for (const [what, sql] of [
    [
      "widened",
      "UPDATE sessions SET limits_sealed = (SELECT limits_sealed FROM sessions WHERE session_id <> ?1) WHERE session_id = ?1",
    ],
    ["made to last", "UPDATE sessions SET ends_at = ends_at + 1 WHERE session_id = ?1"],
    [
      "given to another caller",
      "UPDATE sessions SET caller_id = (SELECT caller_id FROM callers WHERE name = 'wide') WHERE session_id = ?1",
    ],
    ["given the hash of another key", "UPDATE sessions SET session_hash = zeroblob(32) WHERE session_id = ?1"],
    ["stripped of what binds it", "UPDATE sessions SET session_mac = zeroblob(0) WHERE session_id = ?1"],
    ["made anew as that of another id", "UPDATE sessions SET session_id = 'abcdefabcdefabcd' WHERE session_id = ?1"],
    [
      "left as it is while its maker's row is widened",
      "UPDATE callers SET permissions = '[\"token\",\"proxy\"]' WHERE name = 'narrow' AND ?1 <> ''",
    ],
  ] as const) {
    test(`of which the row was ${what} by hand, works no more and is listed no more`, async (t) => {
      const { fixture, vault } = await made(t);
      const { caller: narrow } = await vault.callers.create("narrow", { allow: ["token"], grants: ["ext:a*"] });
      const { caller: wide } = await vault.callers.create("wide", { allow: everything });
      const { session, key } = await vault.sessions.create(narrow, { allow: ["token"], grants: ["ext:a"] });
      await vault.sessions.create(wide, usual);
      await vault.callers.authenticate(bearer(key));
      const raw = new DatabaseSync(fixture.path);
      raw.exec("PRAGMA busy_timeout = 10000");
      raw.prepare(sql).run(session.sessionId);
      raw.close();
      fixture.clock.advance(1_000);
      await assert.rejects(vault.callers.authenticate(bearer(key)), fails("unauthorized"));
      if (!sql.includes("callers SET")) {
        assert.deepEqual((await vault.sessions.list(narrow)).sessions, []);
        assert.equal((await vault.sessions.list(wide)).sessions.length, 1);
      }
    });
  }

  test("is cut to what its maker may at each use, should the maker's own rights shrink", async (t) => {
    const { fixture, vault } = await made(t);
    const { caller } = await vault.callers.create("shrinking", { allow: ["token", "proxy"], grants: ["ext:a*"] });
    const { key } = await vault.sessions.create(caller, { allow: ["token", "proxy"], grants: ["ext:a*"] });
    await vault.callers.narrow("shrinking", { allow: ["token"], providers: ["google"] });
    fixture.clock.advance(1_000);
    const used = await vault.callers.authenticate(bearer(key));
    assert.deepEqual([used.allow, used.grants, used.providers], [["token"], ["ext:a*"], ["google"]]);
  });

  test("works for a quarter of an hour without the store where it was used before, and for no second longer", async (t) => {
    const fixture = await testVault(t, { shared });
    const store = sqlite(fixture.path);
    const vault = await fixture.open({ store });
    const { caller } = await vault.callers.create("backend", { allow: permissions });
    const { key } = await vault.sessions.create(caller, usual);
    const { key: unused } = await vault.sessions.create(caller, usual);
    await vault.callers.authenticate(bearer(key));
    await store.close();
    for (let n = 0; n < 3; n += 1) {
      fixture.clock.advance(299_999);
      await vault.callers.authenticate(bearer(key));
    }
    await assert.rejects(vault.callers.authenticate(bearer(unused)), fails("store_unavailable"));
    // However often it is used meanwhile.
    fixture.clock.advance(1_004);
    await assert.rejects(vault.callers.authenticate(bearer(key)), fails("store_unavailable"));
  });
});

describe("vault.sessions", () => {
  for (const [what, options, named] of [
    ["a permission", { allow: ["token", "grants:revoke"] }, "grants:revoke"],
    ["a wider selector", { grants: ["ext:team*"] }, "ext:team*"],
    ["every grant", { grants: ["*"] }, "*"],
    ["another provider", { providers: ["slack"] }, "slack"],
    ["a grant that is not there", { grants: [`g_${"a".repeat(22)}`] }, "a".repeat(22)],
  ] as const) {
    test(`makes no session with ${what} that its maker has not, and says so`, async (t) => {
      const { vault } = await made(t);
      const { caller } = await vault.callers.create("narrow", {
        allow: ["token", "sessions"],
        grants: ["ext:team1:*"],
        providers: ["google"],
      });
      const asked = { allow: ["token"], grants: ["ext:team1:a"], ...options } as CreateSessionOptions;
      await assert.rejects(vault.sessions.create(caller, asked), fails("forbidden", named));
      assert.deepEqual((await vault.sessions.list(caller)).sessions, []);
    });
  }

  test("a grant's id is within its maker's reach while the maker sees that grant, and no longer", async (t) => {
    const { fixture, vault } = await made(t);
    const own = await vault.exchangeCode({ code: fixture.code("own@example.com"), externalId: "team1:a" });
    const foreign = await vault.exchangeCode({ code: fixture.code("foreign@example.com"), externalId: "team2:a" });
    const { caller } = await vault.callers.create("narrow", { allow: ["token", "sessions"], grants: ["ext:team1:*"] });
    await assert.rejects(
      vault.sessions.create(caller, { allow: ["token"], grants: [own.grantId, foreign.grantId] }),
      fails("forbidden"),
    );
    const { key } = await vault.sessions.create(caller, { allow: ["token"], grants: [own.grantId] });
    const view = vault.forCaller(await vault.callers.authenticate(bearer(key)));
    assert.equal((await view.getAccessToken({ grantId: own.grantId })).grantId, own.grantId);
    assert.deepEqual(
      (await view.grants({})).grants.map(({ grantId }) => grantId),
      [own.grantId],
    );
    await assert.rejects(view.getAccessToken({ grantId: foreign.grantId }), fails("grant_not_found"));
    // The external id moves to another account: the grant is not its maker's any more.
    await vault.exchangeCode({
      code: fixture.code("other@example.com"),
      externalId: "team1:a",
      account: own.subject,
      moveExternalId: true,
    });
    await assert.rejects(view.getAccessToken({ grantId: own.grantId }), fails("grant_not_found"));
    assert.equal(view.peekAccessToken({ grantId: own.grantId }), undefined);
  });

  test("no session makes sessions, and none may be allowed to", async (t) => {
    const { vault, maker } = await made(t);
    const asked: CreateSessionOptions = { allow: ["sessions"], grants: ["*"] };
    await assert.rejects(vault.sessions.create(maker, asked), fails("invalid_request"));
    const { key } = await vault.sessions.create(maker, usual);
    const caller = await vault.callers.authenticate(bearer(key));
    await assert.rejects(vault.sessions.create(caller, usual), fails("forbidden"));
    await assert.rejects(vault.forCaller(caller).sessions.create(usual), fails("forbidden"));
  });

  for (const [name, options] of Object.entries({
    allow: { allow: [] },
    grants: { grants: [] },
    "grants that are no selectors": { grants: ["user-1"] },
    "more than a hundred selectors": { grants: Array.from({ length: 101 }, (_, n) => `ext:${n}`) },
    "selectors of more than 16,384 characters": {
      grants: Array.from({ length: 40 }, (_, n) => `ext:${n}${"x".repeat(500)}`),
    },
    scopes: { scopes: [] },
    "a scope with a space": { scopes: ["a b"] },
    "59 seconds": { expiresInSeconds: 59 },
    "more than a day": { expiresInSeconds: 86_401 },
    "half a second": { expiresInSeconds: 60.5 },
    "a misspelt option": { expiresIn: 60 },
  })) {
    test(`refuses ${name}`, async (t) => {
      const { vault, maker } = await made(t);
      const asked = { ...usual, ...options } as CreateSessionOptions;
      await assert.rejects(vault.sessions.create(maker, asked), fails("invalid_request"));
    });
  }

  test("a caller lists and ends its own sessions alone, page by page", async (t) => {
    const { fixture, vault, maker } = await made(t);
    const { caller: another } = await vault.callers.create("another", { allow: permissions });
    const own: string[] = [];
    for (const expiresInSeconds of [300, 60, 180]) {
      own.push((await vault.sessions.create(maker, { ...usual, expiresInSeconds })).session.sessionId);
    }
    const foreign = (await vault.sessions.create(another, usual)).session.sessionId;
    const ids = async (cursor?: string): Promise<readonly [string[], string | undefined]> => {
      const page = await vault.sessions.list(maker, { limit: 2, ...(cursor === undefined ? {} : { cursor }) });
      return [page.sessions.map(({ sessionId }) => sessionId), page.cursor];
    };
    const [first, cursor] = await ids();
    assert.deepEqual(first, [own[1], own[2]]);
    assert.deepEqual(await ids(cursor), [[own[0]], undefined]);
    assert.equal((await vault.sessions.list()).sessions.length, 4);
    assert.equal(await vault.sessions.revoke(foreign, maker), false);
    await assert.rejects(vault.forCaller(maker).sessions.revoke(foreign), fails("session_not_found"));
    assert.equal(await vault.sessions.revoke(foreign, "another"), true);
    fixture.clock.advance(60_000);
    assert.deepEqual((await ids())[0], [own[2], own[0]]);
    await assert.rejects(vault.sessions.list("nobody"), fails("invalid_request"));
    await assert.rejects(vault.sessions.list(maker, { cursor: "g_1" }), fails("invalid_request"));
  });

  test("the audit log names the maker and the session, of what it does, is given and is refused", async (t) => {
    const { fixture, vault, maker } = await made(t);
    const grant = await vault.exchangeCode({ code: fixture.code("ada@example.com"), externalId: "user-1" });
    const sessions = [await vault.sessions.create(maker, usual), await vault.sessions.create(maker, usual)];
    const ref = { externalId: "user-1" };
    await vault.forCaller(maker).getAccessToken(ref);
    for (const { key } of sessions) {
      const view = vault.forCaller(await vault.callers.authenticate(bearer(key)));
      for (let n = 0; n < 3; n += 1) await view.getAccessToken(ref);
      assert.throws(() => view.assertAllowed("grants:revoke"), fails("forbidden"));
    }
    await vault.forCaller(maker).sessions.revoke(sessions[0]?.session.sessionId ?? "");
    await vault.close();
    const rows = await (await fixture.open()).audit.list({ caller: "backend" });
    const [one, two] = sessions.map(({ session }) => session.sessionId);
    const of = (action: string): (string | undefined)[] =>
      rows.filter((row) => row.action === action).map(({ sessionId }) => sessionId);
    assert.deepEqual(of("token.released"), [undefined, one, two]);
    assert.deepEqual(new Set(of("token.read")), new Set([one, two]));
    assert.deepEqual(new Set(of("request.denied")), new Set([one, two]));
    assert.equal(rows.find(({ action }) => action === "session.ended")?.detail, one);
    assert.equal(rows.find(({ action }) => action === "token.released")?.grantId, grant.grantId);
    const { faults } = await (await fixture.open()).audit.verify();
    assert.deepEqual(faults, []);
  });

  test("a token of a grant that covers more than a session's scopes is handed to nobody by it, nor used for it", async (t) => {
    const { fixture, vault, maker } = await made(t);
    const drive = "https://www.googleapis.com/auth/drive.appdata";
    await vault.exchangeCode({ code: fixture.code("fits@example.com", `openid email ${drive}`), externalId: "fits" });
    await vault.exchangeCode({
      code: fixture.code("more@example.com", `openid email ${drive} https://www.googleapis.com/auth/calendar`),
      externalId: "more",
    });
    const { key } = await vault.sessions.create(maker, { ...usual, allow: ["token", "proxy"], scopes: [drive] });
    const view = vault.forCaller(await vault.callers.authenticate(bearer(key)));
    await view.getAccessToken({ externalId: "fits" });
    assert.ok(view.peekAccessToken({ externalId: "fits" }) !== undefined);
    const more = { externalId: "more" };
    await vault.forCaller(maker).getAccessToken(more);
    await assert.rejects(view.getAccessToken(more), fails("forbidden", "calendar"));
    await assert.rejects(
      view.fetch(more, "https://www.googleapis.com/drive/v3/files/appfolder"),
      fails("forbidden", "calendar"),
    );
    assert.equal(view.peekAccessToken(more), undefined);
    const rows = await vault.audit.list({ caller: "backend" });
    const released = rows.filter(({ action, sessionId }) => action === "token.released" && sessionId !== undefined);
    assert.equal(released.length, 1, "nothing is recorded as handed out that was not");
    assert.equal(
      rows.some(({ action }) => action === "api.called"),
      false,
    );
  });
});

test("the rows of sessions that are over for an hour are taken out by the upkeep", async (t) => {
  const { fixture, vault, maker } = await made(t);
  await vault.sessions.create(maker, { ...usual, expiresInSeconds: 60 });
  await vault.sessions.create(maker, { ...usual, expiresInSeconds: 61 });
  fixture.clock.advance(60_000 + 3_600_001);
  // A keeper sweeps when it is opened, and now and then.
  await fixture.open();
  const raw = new DatabaseSync(fixture.path, { readOnly: true });
  t.after(() => raw.close());
  await until(() => raw.prepare("SELECT count(*) AS rows FROM sessions").get()?.["rows"] === 1);
});
