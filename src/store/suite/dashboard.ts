import { deepEqual, equal } from "node:assert/strict";
import { describe, test } from "node:test";
import type { DashboardLinkRow, OperatorSessionRow } from "../dashboard-store.ts";
import { suiteTime } from "./suite-stores.ts";
import type { SuiteStores } from "./suite-stores.ts";
import { bytes, same, unique } from "./rows.ts";

const first = { quarterAt: 0, provider: "", outcome: "" };

export function dashboardTests(stores: SuiteStores): void {
  describe("the dashboard", () => {
    test("of forty browsers that come with one link at once, in two processes, one gets a session", async (t) => {
      const [store, other] = await stores.openPair(t);
      const row = link();
      await store.insertDashboardLink(row);
      same(await other.dashboardLink(row.linkId), row);
      const sessions = Array.from({ length: 40 }, () => session());
      const begun = await Promise.all(
        sessions.map((each, n) => (n % 2 === 0 ? store : other).beginOperatorSession(row, each)),
      );
      equal(begun.filter(Boolean).length, 1);
      equal(await store.dashboardLink(row.linkId), undefined);
      deepEqual(
        (await other.operatorSessions(suiteTime, 100)).map(({ sessionId }) => sessionId),
        sessions.filter((_, n) => begun[n]).map(({ sessionId }) => sessionId),
      );
    });

    test("a link of another secret lets nobody in, and stays", async (t) => {
      const store = await stores.open(t);
      const row = link();
      await store.insertDashboardLink(row);
      equal(await store.beginOperatorSession({ ...row, linkHash: bytes("another") }, session()), false);
      equal(await store.beginOperatorSession(link(), session()), false);
      same(await store.dashboardLink(row.linkId), row);
      deepEqual(await store.operatorSessions(0, 100), []);
    });

    test("an operator's session is found in every process until it is ended, which it is once", async (t) => {
      const [store, other] = await stores.openPair(t);
      const [one, two] = [
        await begun(store, { endsAt: suiteTime + 20 }),
        await begun(store, { endsAt: suiteTime + 10 }),
      ];
      same(await other.operatorSession(one.sessionId), one);
      same(await other.operatorSessions(suiteTime, 100), [two, one]);
      same(await other.operatorSessions(suiteTime, 1), [two]);
      same(await other.operatorSessions(suiteTime + 10, 100), [one]);
      await other.noteOperatorUse(one.sessionId, suiteTime + 5);
      await store.noteOperatorUse(one.sessionId, suiteTime + 3);
      same(await store.operatorSession(one.sessionId), { ...one, lastUsedAt: suiteTime + 5 });
      equal(await other.endOperatorSession(one.sessionId), true);
      equal(await store.endOperatorSession(one.sessionId), false);
      equal(await store.operatorSession(one.sessionId), undefined);
      same(await store.operatorSession(two.sessionId), two);
    });

    test("counts of refreshes that two processes add at once come to their sum, and are read page by page", async (t) => {
      const [store, other] = await stores.openPair(t);
      const counts = [
        { quarterAt: suiteTime, provider: "github", outcome: "refreshed", refreshes: 2 },
        { quarterAt: suiteTime, provider: "google", outcome: "failed", refreshes: 1 },
        { quarterAt: suiteTime, provider: "google", outcome: "refreshed", refreshes: 3 },
        { quarterAt: suiteTime + 900_000, provider: "google", outcome: "refreshed", refreshes: 5 },
      ];
      await Promise.all([
        store.addRefreshCounts(counts),
        other.addRefreshCounts(counts.toReversed()),
        store.addRefreshCounts(counts.slice(1, 3)),
      ]);
      const sums = counts.map(({ quarterAt, provider, outcome, refreshes }, n) => {
        return { quarterAt, provider, outcome, refreshes: refreshes * (n === 1 || n === 2 ? 3 : 2) };
      });
      deepEqual(await other.refreshCounts(first, 3), sums.slice(0, 3));
      const { refreshes: _sum, ...place } = sums[2] ?? { ...first, refreshes: 0 };
      deepEqual(await other.refreshCounts(place, 3), sums.slice(3));
      deepEqual(await other.refreshCounts({ ...first, quarterAt: suiteTime + 1 }, 3), sums.slice(3));
    });

    test("a sweep takes links and sessions that are over, and counts that are old, and nothing else", async (t) => {
      const store = await stores.open(t);
      const [over, open] = [link({ expiresAt: suiteTime }), link({ expiresAt: suiteTime + 1 })];
      for (const each of [over, open]) await store.insertDashboardLink(each);
      const ended = await begun(store, { endsAt: suiteTime });
      const going = await begun(store, { endsAt: suiteTime + 1 });
      const old = { quarterAt: suiteTime - 1, provider: "google", outcome: "refreshed", refreshes: 1 };
      const late = { ...old, quarterAt: suiteTime };
      await store.addRefreshCounts([old, late]);
      await store.sweepDashboard(suiteTime + 1, suiteTime);
      equal(await store.dashboardLink(over.linkId), undefined);
      same(await store.dashboardLink(open.linkId), open);
      equal(await store.operatorSession(ended.sessionId), undefined);
      same(await store.operatorSession(going.sessionId), going);
      deepEqual(await store.refreshCounts(first, 10), [late]);
      // And once more, where there is nothing.
      await store.sweepDashboard(suiteTime + 1, suiteTime);
    });
  });
}

function link(more: Partial<DashboardLinkRow> = {}): DashboardLinkRow {
  const linkId = unique("link");
  return {
    linkId,
    linkHash: bytes(`hash of ${linkId}`),
    role: "operator",
    createdAt: suiteTime,
    expiresAt: suiteTime + 600_000,
    operatorMac: bytes(`mac of ${linkId}`),
    ...more,
  };
}

function session(more: Partial<OperatorSessionRow> = {}): OperatorSessionRow {
  const sessionId = unique("operator");
  return {
    sessionId,
    cookieHash: bytes(`hash of ${sessionId}`),
    role: "reader",
    begunAt: suiteTime,
    endsAt: suiteTime + 3_600_000,
    lastUsedAt: suiteTime,
    operatorMac: bytes(`mac of ${sessionId}`),
    ...more,
  };
}

async function begun(
  store: Awaited<ReturnType<SuiteStores["open"]>>,
  more: Partial<OperatorSessionRow>,
): Promise<OperatorSessionRow> {
  const [row, made] = [link(), session(more)];
  await store.insertDashboardLink(row);
  equal(await store.beginOperatorSession(row, made), true);
  return made;
}
