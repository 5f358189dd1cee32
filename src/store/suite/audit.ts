import { deepEqual, equal, ok } from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import type { AuditPrincipal, AuditEntry, AuditRow, RecordOf } from "../audit-store.ts";
import { auditPruned, tokenReleased } from "../audit-store.ts";
import type { Store } from "../store.ts";
import { caller } from "./callers.ts";
import { suiteTime } from "./suite-stores.ts";
import type { SuiteStores } from "./suite-stores.ts";
import {
  begin,
  bytes,
  grant,
  intake,
  owner,
  read,
  same,
  save,
  saveKnownBy,
  ticket,
  tie,
  tokens,
  unique,
} from "./rows.ts";

const me: AuditPrincipal = { caller: "reports", requestId: "request-1" };

/** Records with a hash that is a number, so that tests can tell the rows apart. */
function recordOf(): RecordOf {
  let made = 0;
  return (entry, anchor, principal = me) => {
    made += 1;
    return {
      ...entry,
      ...principal,
      sessionId: principal.sessionId ?? null,
      anchor: anchor.seq,
      recordId: unique("r"),
      at: suiteTime,
      mac: bytes(`mac ${made}`),
    };
  };
}

function release(grantId: string, changes: Partial<AuditEntry> = {}): AuditEntry {
  return { action: tokenReleased, grantId, generation: 1, outcome: "released", detail: "token 1", ...changes };
}

async function all(store: Store): Promise<AuditRow[]> {
  return store.auditRows({ after: 0, limit: 500 });
}

/** What rows say, without what differs from run to run. */
async function said(store: Store): Promise<unknown[]> {
  return (await all(store)).map(({ action, grantId, generation, outcome, detail }) =>
    [action, grantId, generation, outcome, detail].filter((each) => each !== null).join(" "),
  );
}

function assertChained(rows: readonly AuditRow[]): void {
  let before: Uint8Array = new Uint8Array();
  for (const [index, { seq, mac, link }] of rows.entries()) {
    equal(seq, index + 1);
    same(link, createHash("sha256").update(before).update(String(seq)).update(mac).digest());
    before = link;
  }
}

export function auditTests(stores: SuiteStores): void {
  describe("the audit log", () => {
    test("rows are numbered without gaps, and each is linked to the one before", async (t) => {
      const [store, other] = await stores.openPair(t);
      store.recordWith(recordOf());
      equal((await store.auditHead()).seq, 0);
      for (let n = 0; n < 3; n += 1) await store.appendAudit([[release(unique("g_")), me]]);
      await store.appendAudit([
        [
          release("g_1", { action: "api.called", detail: "GET www.example" }),
          { caller: "other", requestId: null, sessionId: "session-1" },
        ],
        [release("g_1", { action: "api.called", detail: null, generation: null, grantId: null }), me],
      ]);
      const rows = await all(other);
      equal(rows.length, 5);
      assertChained(rows);
      const [last] = rows.slice(-1);
      same(await other.auditHead(), { seq: last?.seq, link: last?.link });
      const { recordId: _, link, ...third } = rows[3] ?? { recordId: "", link: undefined };
      same(third, {
        seq: 4,
        at: suiteTime,
        caller: "other",
        requestId: null,
        sessionId: "session-1",
        anchor: 3,
        mac: bytes("mac 4"),
        ...release("g_1", { action: "api.called", detail: "GET www.example" }),
      });
      equal(link?.length, 32);
    });

    test("writers in several processes at once leave one chain", async (t) => {
      const [store, other] = await stores.openPair(t);
      for (const each of [store, other]) each.recordWith(recordOf());
      await Promise.all(
        Array.from({ length: 40 }, async (_, n) => {
          const writer = n % 2 === 0 ? store : other;
          if (n % 4 < 2) await save(writer);
          else await writer.appendAudit([[release(unique("g_")), me]]);
        }),
      );
      const rows = await all(store);
      equal(rows.length, 40);
      assertChained(rows);
    });

    test("a caller's first token of a generation is recorded once, whichever process gave it", async (t) => {
      const [store, other] = await stores.openPair(t);
      const [one, two] = [me, { caller: "other", requestId: null }];
      await store.appendAudit([[release("g_1"), one]]);
      await other.appendAudit([
        [release("g_1"), one],
        [release("g_1"), two],
        [release("g_1", { generation: 2 }), one],
        [release("g_1", { detail: "token 2" }), one],
        [release("g_2"), one],
      ]);
      await Promise.all([store, other].map((each) => each.appendAudit([[release("g_3"), one]])));
      const rows = await all(store);
      equal(rows.length, 6);
      assertChained(rows);
    });

    test("of releases that are written together, one that is there already or comes twice is left out, and the others are one chain", async (t) => {
      const [store, other] = await stores.openPair(t);
      for (const each of [store, other]) each.recordWith(recordOf());
      await other.appendAudit([[release("g_old"), me]]);
      await store.appendAudit(["g_old", "g_1", "g_2", "g_1", "g_old", "g_3"].map((grantId) => [release(grantId), me]));
      await store.appendAudit(["g_3", "g_old"].map((grantId) => [release(grantId), me]));
      // Another caller's, another session's, and another token's are releases of their own.
      await store.appendAudit([
        [release("g_1"), { caller: "another", requestId: null }],
        [release("g_1", { detail: "token 1 session-1" }), { ...me, sessionId: "session-1" }],
        [release("g_1", { generation: 2 }), me],
      ]);
      const rows = await all(store);
      deepEqual(
        rows.map(({ grantId }) => grantId),
        ["g_old", "g_1", "g_2", "g_3", "g_1", "g_1", "g_1"],
      );
      assertChained(rows);
      same(await other.auditHead(), { seq: 7, link: rows.at(-1)?.link });
    });

    test("two processes that write the same releases at the same moment leave each once, in one chain", async (t) => {
      const pair = await stores.openPair(t);
      for (const each of pair) each.recordWith(recordOf());
      const some = (from: number): AuditEntry[] => Array.from({ length: 20 }, (_, n) => release(`g_${from + n}`));
      await Promise.all(
        [0, 10, 20, 5].map(async (from, n) => {
          const writer = n % 2 === 0 ? pair[0] : pair[1];
          await Promise.all([writer.appendAudit(some(from).map((entry) => [entry, me])), save(writer)]);
        }),
      );
      const rows = await all(pair[0]);
      const released = rows.filter(({ action }) => action === tokenReleased).map(({ grantId }) => grantId);
      equal(new Set(released).size, 40);
      equal(released.length, 40);
      assertChained(rows);
    });

    test("rows are read a page at a time, of one grant, and of one caller", async (t) => {
      const store = await stores.open(t);
      for (let n = 0; n < 6; n += 1) {
        const principal = { caller: n < 2 ? "first" : "second", requestId: null };
        await store.appendAudit([[release(n % 2 === 0 ? "g_even" : "g_odd", { generation: n }), principal]]);
      }
      const seqs = async (query: object): Promise<number[]> =>
        (await store.auditRows({ after: 0, limit: 500, ...query })).map(({ seq }) => seq);
      deepEqual(await seqs({ after: 2, limit: 3 }), [3, 4, 5]);
      deepEqual(await seqs({ grantId: "g_even" }), [1, 3, 5]);
      deepEqual(await seqs({ caller: "second" }), [3, 4, 5, 6]);
      deepEqual(await seqs({ grantId: "g_odd", caller: "second", after: 4 }), [6]);
      deepEqual(await seqs({ after: 6 }), []);
      deepEqual(await seqs({ newestFirst: true, limit: 2 }), [6, 5]);
      deepEqual(await seqs({ newestFirst: true, limit: 2, grantId: "g_even" }), [5, 3]);
      deepEqual(await seqs({ newestFirst: true, caller: "first" }), [2, 1]);
      deepEqual(await seqs({ newestFirst: true, grantId: "g_odd", caller: "second", after: 4 }), [6]);
    });

    test("old rows are taken out, the rest stay as they are, and rows that say so are found", async (t) => {
      const store = await stores.open(t);
      store.recordWith(recordOf());
      deepEqual(await store.auditPrunings(10), []);
      for (let n = 0; n < 6; n += 1) await store.appendAudit([[release(unique("g_")), me]]);
      const rows = await all(store);
      equal(await store.pruneAudit(0), 0);
      equal(await store.pruneAudit(2), 2);
      equal(await store.pruneAudit(2), 0);
      for (const detail of ["2:00", "3:00"]) {
        await store.appendAudit([[release("", { action: auditPruned, grantId: null, generation: null, detail }), me]]);
      }
      same((await all(store)).slice(0, 4), rows.slice(2));
      deepEqual(
        (await store.auditPrunings(10)).map(({ seq, detail }) => [seq, detail]),
        [
          [8, "3:00"],
          [7, "2:00"],
        ],
      );
      equal((await store.auditPrunings(1)).length, 1);
      // Where all are gone, the log goes on behind the last one.
      const { seq, link } = await store.auditHead();
      equal(await store.pruneAudit(seq), 6);
      await store.appendAudit([[release(unique("g_")), me]]);
      const [next] = await all(store);
      equal(next?.seq, 9);
      same(
        next?.link,
        createHash("sha256")
          .update(link)
          .update("9")
          .update(next?.mac ?? "")
          .digest(),
      );
    });

    test("every change of a grant leaves a row, in the transaction that made it", async (t) => {
      const store = await stores.open(t);
      const one = await saveKnownBy(store, "user-1");
      const { grantId } = one;
      await begin(store, grantId, "attempt 1");
      equal(await store.commitAttempt(grantId, 1, tokens("2"), suiteTime + 1), "active");
      await begin(store, grantId, "attempt 2", { generation: 2 });
      await store.endAttemptUnknown("attempt 2", { error: "lost", at: suiteTime + 2, retryAt: null, suspect: true });
      equal(await store.lapse(grantId, 2, "invalid_grant", "token ya29.secret has ended", suiteTime + 3), true);
      equal(await store.commitAttempt(grantId, 2, tokens("3"), suiteTime + 4), "active");
      equal(await store.markSuspect(grantId, suiteTime + 5), true);
      const late = { lateAnswerId: "late", grantId, parentGeneration: 2, receivedAt: suiteTime };
      for (let n = 0; n < 2; n += 1) await store.keepLateAnswer({ ...late, answerSealed: bytes("answer") });
      for (let n = 0; n < 2; n += 1) await store.dropLateAnswer("late");
      const held = await read(store, grantId);
      equal(await store.saveFromIntake({ ...held, state: "active" }, held, bytes("code")), true);
      for (let n = 0; n < 2; n += 1) await store.beginRevocation(grantId, suiteTime + 6);
      equal(await store.endRevocation(grantId, 3, suiteTime + 7, "revoked_unconfirmed"), true);
      deepEqual(await said(store), [
        `grant.created ${grantId} 1 active`,
        `grant.refreshed ${grantId} 2 active`,
        `grant.suspect ${grantId} 2 exchange_unknown`,
        `grant.lapsed ${grantId} 2 invalid_grant`,
        `grant.refreshed ${grantId} 3 active was lapsed`,
        `grant.suspect ${grantId} ended_with_another`,
        `late_answer.kept ${grantId} 2 kept`,
        `late_answer.dropped ${grantId} 2 dropped`,
        `grant.consented ${grantId} 3 active`,
        `grant.revoking ${grantId} 3 revoking was active`,
        `grant.revoked ${grantId} 3 revoked_unconfirmed`,
      ]);
      assertChained(await all(store));
    });

    test("an external id that a grant loses, another label of one, and an access token that ends leave a row", async (t) => {
      const store = await stores.open(t);
      const held = await saveKnownBy(store, "user-1");
      const profileSealed = bytes("without user-1");
      const from = [{ grantId: held.grantId, profileRead: held.profileSealed, profileSealed }];
      const next = grant({ refreshSealed: null });
      await store.saveFromIntake(next, null, bytes("code"), { add: tie("user-1"), from });
      await store.saveFromIntake(next, next, bytes("code"), { add: tie("user-1", "renamed") });
      const change = { remove: [bytes("user-1"), bytes("user-2")] };
      await store.saveFromIntake(next, next, bytes("code"), change);
      await store.endAccessToken(next.grantId, next.accessSealed ?? bytes(""), suiteTime + 1);
      deepEqual((await said(store)).slice(1), [
        `grant.external_id_lost ${held.grantId} moved`,
        `grant.created ${next.grantId} 1 active`,
        `grant.account_renamed ${next.grantId} renamed`,
        `grant.consented ${next.grantId} 1 active`,
        `grant.external_id_lost ${next.grantId} removed`,
        `grant.consented ${next.grantId} 1 active`,
        `grant.access_ended ${next.grantId} refused_by_api`,
      ]);
    });

    test("a change that did not take place leaves no row", async (t) => {
      const store = await stores.open(t);
      const { grantId } = await save(store);
      equal(await store.commitAttempt(grantId, 7, tokens("2"), suiteTime), undefined);
      equal(await store.lapse(grantId, 7, "invalid_grant", "", suiteTime), false);
      equal(await store.endRevocation(grantId, 1, suiteTime), false);
      equal(await store.beginRevocation("g_none", suiteTime), false);
      equal(await store.markSuspect("g_none", suiteTime), false);
      equal(await store.endAccessToken(grantId, bytes("another"), suiteTime), false);
      equal(await store.revokeCaller("nobody", suiteTime), false);
      equal(await store.rejectIntake(bytes("unknown"), "{}", suiteTime), false);
      // The user id and label mean another grant: all of it is undone, the row too.
      const other = await saveKnownBy(store, "user-2");
      equal(await store.saveFromIntake(grant(), null, bytes("code"), { add: tie("user-2") }), false);
      deepEqual(await said(store), [`grant.created ${grantId} 1 active`, `grant.created ${other.grantId} 1 active`]);
    });

    test("codes that end, callers and keys leave a row, and what is to leave none leaves none", async (t) => {
      const store = await stores.open(t);
      const record = recordOf();
      store.recordWith((entry, ...rest) => (entry.detail === "nobody" ? undefined : record(entry, ...rest)));
      await store.createKeys({
        instance: "store",
        keys: [
          { keyId: 1, keyClass: "index", masterKeyId: "m", wrapped: bytes("1"), state: "current", since: 0 } as const,
        ],
      });
      const [key] = (await store.readKeys())?.keys ?? [];
      ok(key !== undefined);
      equal(await store.replaceKey(key, { masterKeyId: "n", wrapped: bytes("2") }), true);
      equal(await store.replaceKey(key, { masterKeyId: "n", wrapped: bytes("3") }), false);
      for (const from of ["spending", "answered", undefined] as const) {
        const code = intake({ owner: owner("me") });
        await store.beginIntake(code, suiteTime);
        if (from === "answered") await store.journalAnswer(code.codeHash, bytes("answer"), bytes("context"));
        await store.rejectIntake(code.codeHash, "{}", suiteTime, from);
      }
      for (const name of ["reports", "nobody"]) {
        const row = caller(name);
        await store.insertCaller(row);
        await store.bindCallers(() => bytes("mac"));
        await store.replaceCaller(row, { ...row, rightsMac: bytes("mac") }, "caller.rotated");
        await store.revokeCaller(name, suiteTime);
      }
      await store.insertTicket(ticket());
      deepEqual(await said(store), [
        "keys.created done",
        "keys.rewrapped done key 1",
        "code.rejected refused",
        "code.rejected answer_discarded",
        "code.rejected refused",
        "caller.created done reports",
        "caller.bound done reports",
        "caller.rotated done reports",
        "caller.revoked done reports",
        "ticket.created done",
      ]);
      assertChained(await all(store));
    });
  });
}
