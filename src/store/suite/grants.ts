import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import { defined } from "../../core/defined.ts";
import { announcedAt, keepAliveSlot, keepAliveSlots } from "../../core/keep-alive.ts";
import type { GrantRow } from "../grant-row.ts";
import type { GrantFilter, Store } from "../store.ts";
import { suiteTime } from "./suite-stores.ts";
import type { SuiteStores } from "./suite-stores.ts";
import { bytes, grant, intake, read, same, save, saveKnownBy, saveIn, tokens } from "./rows.ts";

export function grantTests(stores: SuiteStores): void {
  describe("grants", () => {
    test("a grant that is not there is undefined, and a list of none is empty", async (t) => {
      const store = await stores.open(t);
      equal(await store.grantById("g_none"), undefined);
      deepEqual(await store.grantsBySubject(bytes("nobody")), []);
      deepEqual(await store.grantsByExternalId(bytes("nobody")), []);
    });

    test("a grant is read as it was stored, by its id and its subject", async (t) => {
      const [store, other] = await stores.openPair(t);
      const row = await save(store);
      same(await other.grantById(row.grantId), row);
      same(await other.grantsBySubject(row.subjectHash), [row]);
    });

    test("a subject has one grant for each client", async (t) => {
      const store = await stores.open(t);
      const first = await save(store, { subjectHash: bytes("ada") });
      const again = grant({ subjectHash: bytes("ada"), scope: "again" });
      equal(await store.saveFromIntake(again, null, bytes("code")), false);
      const elsewhere = await save(store, { subjectHash: bytes("ada"), clientId: "client-2" });
      same(await store.grantsBySubject(bytes("ada")), [first, elsewhere]);
    });

    test("of twelve processes that store a subject's first grant at once, one succeeds", async (t) => {
      const [store, other] = await stores.openPair(t);
      const saved = await Promise.all(
        Array.from({ length: 12 }, (_, n) =>
          (n % 2 === 0 ? store : other).saveFromIntake(grant({ subjectHash: bytes("ada") }), null, bytes(`code ${n}`)),
        ),
      );
      equal(saved.filter(Boolean).length, 1);
      equal((await store.grantsBySubject(bytes("ada"))).length, 1);
    });

    test("a later consent replaces the row that it was made from, and no other", async (t) => {
      const store = await stores.open(t);
      const row = await save(store);
      const next = { ...row, ...tokens("2"), generation: 2, scope: "more", updatedAt: suiteTime + 5 };
      for (const other of [{ generation: 2 }, { state: "suspect" as const }, { profileSealed: bytes("another") }]) {
        equal(await store.saveFromIntake(next, { ...row, ...other }, bytes("code")), false);
      }
      same(await read(store, row.grantId), row);
      equal(await store.saveFromIntake(next, row, bytes("code")), true);
      same(await read(store, row.grantId), next);
      equal(await store.saveFromIntake(next, row, bytes("code")), false);
    });

    test("a consent ends its intake in the transaction that stores the grant", async (t) => {
      const store = await stores.open(t);
      const code = intake();
      await store.beginIntake(code, suiteTime);
      await store.journalAnswer(code.codeHash, bytes("answer"), bytes("context"));
      const taken = await save(store);
      const row = grant({ subjectHash: taken.subjectHash });
      equal(await store.saveFromIntake(row, null, code.codeHash), false);
      equal((await store.openIntakes())[0]?.state, "answered");

      const sound = grant();
      equal(await store.saveFromIntake(sound, null, code.codeHash), true);
      deepEqual(await store.openIntakes(), []);
      const known = await store.beginIntake(code, suiteTime);
      ok(known.kind === "known");
      const { state, grantId, answerSealed, endedAt } = known.intake;
      deepEqual(
        { state, grantId, answerSealed, endedAt },
        { state: "done", grantId: sound.grantId, answerSealed: null, endedAt: sound.updatedAt },
      );
    });
  });

  describe("grants that are stored without the journal", () => {
    const how = { from: "spending" } as const;

    test("an answer that was never in the journal becomes a grant, and ends its intake", async (t) => {
      const [store, other] = await stores.openPair(t);
      const code = intake();
      await store.beginIntake(code, suiteTime);
      const row = grant();
      equal(await store.saveFromIntake(row, null, code.codeHash, undefined, bytes("mac"), how), true);
      const { state, grantId, endedAt } = (await other.intakeByCode(code.codeHash)) ?? {};
      deepEqual({ state, grantId, endedAt }, { state: "done", grantId: row.grantId, endedAt: row.updatedAt });
      deepEqual(await other.openIntakes(), []);
      const late = grant();
      equal(await other.saveFromIntake(late, null, code.codeHash, undefined, bytes("mac"), how), false);
      equal(await other.grantById(late.grantId), undefined);
    });

    for (const what of ["rejected", "in the journal", "held", "forgotten"] as const) {
      test(`an answer is stored by way of the journal where its intake is ${what} by then, and nothing is stored otherwise`, async (t) => {
        const store = await stores.open(t);
        const code = intake();
        await store.beginIntake(code, suiteTime);
        if (what === "rejected") await store.rejectIntake(code.codeHash, "{}", suiteTime + 1);
        else if (what === "forgotten") await store.forgetIntake(code.codeHash);
        else await store.journalAnswer(code.codeHash, bytes("answer"), bytes("context"));
        if (what === "held") await store.holdIntake(code.codeHash, bytes("held"), suiteTime + 10);
        const before = await store.intakeByCode(code.codeHash);
        const row = grant();
        equal(await store.saveFromIntake(row, null, code.codeHash, undefined, bytes("mac"), how), false);
        equal(await store.grantById(row.grantId), undefined);
        deepEqual(await store.intakeByCode(code.codeHash), before);
      });
    }

    test("of twenty that become grants at once, the one whose person has a grant already is not stored, and the others are", async (t) => {
      const store = await stores.open(t);
      const taken = await save(store);
      const all = Array.from({ length: 20 }, (_, n) => ({
        code: intake(),
        row: n === 7 ? grant({ subjectHash: taken.subjectHash }) : grant(),
      }));
      for (const { code } of all) await store.beginIntake(code, suiteTime);
      const stored = await Promise.all(
        all.map(({ code, row }) => store.saveFromIntake(row, null, code.codeHash, undefined, bytes("mac"), how)),
      );
      deepEqual(
        stored,
        all.map((_, n) => n !== 7),
      );
      const open = await store.openIntakes();
      deepEqual(
        open.map(({ codeHash, state }) => [Buffer.from(codeHash), state]),
        [[Buffer.from(all[7]?.code.codeHash ?? []), "spending"]],
      );
    });
  });

  describe("lists of grants", () => {
    endedTokenTests(stores);
    idleTests(stores);

    test("pages of grants follow each other in the order of their ids' bytes, with none left out and none twice", async (t) => {
      const store = await stores.open(t);
      // A collation by language would mix capitals and small letters, and pass over hyphens.
      const ids = ["g_a", "g_B", "g_-", "g__", "g_0", "g_Z", "g_z", "g_aB", "g_a-", "g_10", "g_2"];
      for (const grantId of ids) await save(store, { grantId });
      for (const limit of [1, 2, 3, 11, 50]) deepEqual(await pagesOf(store, { limit }), [...ids].sort());
    });

    test("a list of grants holds only those that fit every filter", async (t) => {
      const store = await stores.open(t);
      const active = await saveKnownBy(store, "user-1", { subjectHash: bytes("ada") });
      const second = await save(store, { subjectHash: bytes("ada"), clientId: "client-2" });
      const work = await saveKnownBy(store, "user-1", {}, "work");
      const other = await saveKnownBy(store, "user-2", {}, "work");
      const lapsed = await saveIn(store, "lapsed");
      const ids = async (filter: Omit<GrantFilter, "limit">): Promise<string[]> =>
        (await store.listGrants({ ...filter, limit: 10 })).map(({ grantId }) => grantId);
      const all = [active, second, work, other, lapsed].map(({ grantId }) => grantId);
      deepEqual(await ids({}), all.sort());
      deepEqual(await ids({ state: "lapsed" }), [lapsed.grantId]);
      deepEqual(await ids({ subjectHash: bytes("ada") }), [active.grantId, second.grantId].sort());
      deepEqual(await ids({ externalHash: bytes("user-1") }), [active.grantId, work.grantId].sort());
      const account = { accountHash: bytes("work"), subjectHash: bytes("nobody") };
      deepEqual(await ids({ account }), [work.grantId, other.grantId].sort());
      deepEqual(await ids({ account, externalHash: bytes("user-2") }), [other.grantId]);
      deepEqual(await ids({ account, externalHash: bytes("user-3") }), []);
      const before = { accountHash: bytes("nobody"), subjectHash: bytes("work") };
      deepEqual(await ids({ account: before }), [work.grantId, other.grantId].sort());
      deepEqual(await ids({ externalHash: bytes("user-1"), state: "lapsed" }), []);
      deepEqual(await ids({ subjectHash: bytes("ada"), state: "active", after: active.grantId }), [second.grantId]);
    });

    test("grants without a refresh token are listed as lapsed from the end of their access token on", async (t) => {
      const store = await stores.open(t);
      const end = suiteTime + 50;
      const lone = { refreshSealed: null, accessExpiresAt: end };
      const [first, second] = [await save(store, lone), await save(store, { ...lone, subjectHash: bytes("ada") })];
      const kept = await save(store, { accessExpiresAt: end });
      const endless = await save(store, { ...lone, accessExpiresAt: null });
      const empty = await save(store, { ...lone, accessExpiresAt: null, accessSealed: null });
      const written = await saveIn(store, "lapsed");
      const ids = async (filter: Omit<GrantFilter, "limit">, limit = 10): Promise<string[]> =>
        (await store.listGrants({ ...filter, limit })).map(({ grantId }) => grantId);
      const sorted = (...rows: readonly GrantRow[]): string[] => rows.map(({ grantId }) => grantId).sort();
      const before = end - 1;
      deepEqual(await ids({ state: "active", at: before }), sorted(first, second, kept, endless));
      deepEqual(await ids({ state: "lapsed", at: before }), sorted(empty, written));
      deepEqual(await ids({ state: "active", at: end }), sorted(kept, endless));
      const lapsed = sorted(first, second, empty, written);
      deepEqual(await ids({ state: "lapsed", at: end }), lapsed);
      deepEqual(await ids({ state: "lapsed", at: end }, 2), lapsed.slice(0, 2));
      deepEqual(await ids({ state: "lapsed", at: end, after: lapsed[1] ?? "" }), lapsed.slice(2));
      deepEqual(await ids({ state: "lapsed", at: end, subjectHash: bytes("ada") }), sorted(second));
      deepEqual(await ids({ state: "lapsed" }), sorted(written), "as it is written");
      const counted = async (at: number, after = "", limit = 10): Promise<string[]> =>
        (await store.grantsWithoutAccess(at, after, limit)).map(({ grantId }) => grantId);
      deepEqual(await counted(before), sorted(empty));
      deepEqual(await counted(end), sorted(first, second, empty));
      deepEqual(await counted(end, "", 1), sorted(first, second, empty).slice(0, 1));
      deepEqual(await counted(end, sorted(first, second, empty)[0]), sorted(first, second, empty).slice(1));
    });
  });
}

function endedTokenTests(stores: SuiteStores): void {
  test("an access token that an API refused ends once, where nothing replaces it and no other one is there", async (t) => {
    const store = await stores.open(t);
    const lone = { refreshSealed: null, accessExpiresAt: null, accessSealed: bytes("lone") };
    const { grantId } = await save(store, lone);
    const at = suiteTime + 7;
    equal(await store.endAccessToken(grantId, bytes("another"), at), false);
    equal(await store.endAccessToken("g_unknown", bytes("lone"), at), false);
    equal((await read(store, grantId)).accessExpiresAt, null);
    equal(await store.endAccessToken(grantId, bytes("lone"), at), true);
    equal((await read(store, grantId)).accessExpiresAt, at);
    equal(await store.endAccessToken(grantId, bytes("lone"), at + 1), false, "it keeps the time of its end");
    const offline = await save(store, { accessSealed: bytes("offline") });
    equal(await store.endAccessToken(offline.grantId, bytes("offline"), at), false, "a refresh replaces it");
  });
}

function idleTests(stores: SuiteStores): void {
  const start = { at: 0, grantId: "" };

  test("idle grants are those that can be refreshed, the longest ago exchanged first, and of one client", async (t) => {
    const store = await stores.open(t);
    const issued = (accessIssuedAt: number | null): Promise<GrantRow> => saveInSlot(store, 0, { accessIssuedAt });
    const [third, first, second, recent] = [await issued(30), await issued(10), await issued(20), await issued(40)];
    await saveInSlot(store, 0, { accessIssuedAt: 5, refreshSealed: null });
    await saveInSlot(store, 0, { accessIssuedAt: 6, clientId: "client-2" });
    await saveInSlot(store, 1, { accessIssuedAt: 7 });
    await issued(null);
    const lapsed = await issued(1);
    await store.lapse(lapsed.grantId, 1, "invalid_grant", "invalid_grant", suiteTime);
    const idle = (before: number, limit: number, after = start): Promise<GrantRow[]> =>
      store.idleGrants({ clientId: "client-1", by: "exchange", slot: 0, after, before, limit });
    same(await idle(40, 10), [first, second, third]);
    same(await idle(40, 2), [first, second]);
    same(await idle(40, 2, { at: 20, grantId: second.grantId }), [third]);
    same(await idle(Number.MAX_SAFE_INTEGER, 10, { at: 30, grantId: third.grantId }), [recent]);
    await store.commitAttempt(first.grantId, 1, tokens("2"), suiteTime);
    same(await idle(40, 1), [second]);
  });

  test("the slots of idle grants are those with an exchange before their own bound, or late enough", async (t) => {
    const store = await stores.open(t);
    const slots = (before: number, stepMs = 0, from = Number.MAX_SAFE_INTEGER): Promise<number[]> =>
      store.idleSlots({ clientId: "client-1", before, stepMs, from });
    deepEqual(await slots(Number.MAX_SAFE_INTEGER, 0, 0), []);
    // Real times: they do not fit into 32 bits.
    for (const slot of [63, 0, 20]) await saveInSlot(store, slot, { accessIssuedAt: suiteTime });
    await saveInSlot(store, 20, { accessIssuedAt: suiteTime + 5 });
    await saveInSlot(store, 1, { accessIssuedAt: suiteTime, refreshSealed: null });
    await saveInSlot(store, 2, { accessIssuedAt: suiteTime, clientId: "client-2" });
    await saveInSlot(store, 3, { accessIssuedAt: null });
    const lapsed = await saveInSlot(store, 4, { accessIssuedAt: suiteTime });
    await store.lapse(lapsed.grantId, 1, "invalid_grant", "invalid_grant", suiteTime);
    deepEqual(await slots(suiteTime), []);
    deepEqual(await slots(suiteTime + 1), [0, 20, 63]);
    // Each slot's bound is sooner than that of the slot before.
    deepEqual(await slots(suiteTime + 21, 1), [0, 20]);
    deepEqual(await slots(suiteTime + 63 * 518_400_000, 518_400_000), [0, 20]);
    deepEqual(await slots(suiteTime + 63 * 518_400_000 + 1, 518_400_000), [0, 20, 63]);
    deepEqual(await slots(0, 0, suiteTime + 6), []);
    deepEqual(await slots(0, 0, suiteTime + 5), [20]);
  });

  test("grants of one time come in the order of their ids, and a page begins after the last one of the page before", async (t) => {
    const store = await stores.open(t);
    const saved = [];
    for (let n = 0; n < 5; n++) saved.push(await saveInSlot(store, 0, { accessIssuedAt: 7, refreshExpiresAt: 10 }));
    const ids = saved.map(({ grantId }) => grantId).sort();
    for (const [which, at] of [
      [{ by: "exchange", slot: 0 }, 7],
      [{ by: "announced-end" }, 8.5],
    ] as const) {
      const found: string[] = [];
      for (let after = start; ;) {
        const page = await store.idleGrants({ clientId: "client-1", ...which, after, before: 9, limit: 2 });
        found.push(...page.map(({ grantId }) => grantId));
        const last = page.at(-1);
        if (last === undefined) break;
        after = { at, grantId: last.grantId };
      }
      deepEqual(found, ids);
    }
  });

  test("idle grants by an announced end are those whose refresh token has one, the one that is refreshed first in front", async (t) => {
    const store = await stores.open(t);
    const lives = (accessIssuedAt: number, refreshExpiresAt: number | null): Promise<GrantRow> =>
      saveInSlot(store, 0, { accessIssuedAt, refreshExpiresAt });
    const [second, first, later] = [await lives(10, 31), await lives(15, 25), await lives(20, 40)];
    await lives(1, null);
    const idle = (before: number): Promise<GrantRow[]> =>
      store.idleGrants({ clientId: "client-1", by: "announced-end", after: start, before, limit: 10 });
    same(await idle(20), []);
    same(await idle(20.5), [first]);
    same(await idle(21), [first, second]);
    same(await idle(31), [first, second, later]);
  });

  test("the store finds each idle grant in the slot that its id says, and due by its announced end when that slot says", async (t) => {
    const store = await stores.open(t);
    const odd = await save(store, { grantId: "g_", accessIssuedAt: 1_000, refreshExpiresAt: 2_000 });
    const saved = [odd];
    for (let slot = 0; slot < keepAliveSlots; slot += 1) {
      saved.push(await saveInSlot(store, slot, { accessIssuedAt: 1_000, refreshExpiresAt: 2_000 }));
    }
    const page = { clientId: "client-1", after: start, limit: 10 };
    equal(keepAliveSlot(odd.grantId), 0);
    for (let slot = 0; slot < keepAliveSlots; slot += 1) {
      const inSlot = saved.filter(({ grantId }) => keepAliveSlot(grantId) === slot);
      equal(inSlot.length, slot === 0 ? 2 : 1);
      const found = await store.idleGrants({ ...page, by: "exchange", slot, before: 1_001 });
      deepEqual(idsOf(found), idsOf(inSlot));
      const dueAt = announcedAt({ exchangedAt: 1_000, refreshExpiresAt: 2_000 }, slot);
      const due = (before: number): Promise<GrantRow[]> =>
        store.idleGrants({ ...page, by: "announced-end", before, limit: 100 });
      const dueBefore = saved.filter(({ grantId }) => keepAliveSlot(grantId) < slot);
      deepEqual(idsOf(await due(dueAt)), idsOf(dueBefore));
      deepEqual(idsOf(await due(dueAt + 1)), idsOf([...dueBefore, ...inSlot]));
    }
  });
}

function idsOf(rows: readonly GrantRow[]): string[] {
  return rows.map(({ grantId }) => grantId).sort();
}

let savedInSlots = 0;

/** A grant whose id puts it into a slot. */
function saveInSlot(store: Store, slot: number, changes: Partial<GrantRow>): Promise<GrantRow> {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  savedInSlots += 1;
  return save(store, { grantId: `g_${alphabet.charAt(slot)}${savedInSlots}`, ...changes });
}

async function pagesOf(store: Store, { limit }: { readonly limit: number }): Promise<string[]> {
  const seen: string[] = [];
  for (;;) {
    const after = seen.at(-1);
    const page = await store.listGrants(defined({ limit, after }));
    if (page.length === 0) return seen;
    ok(page.length <= limit);
    seen.push(...page.map(({ grantId }) => grantId));
  }
}
