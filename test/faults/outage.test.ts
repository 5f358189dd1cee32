/**
 * Days of trouble in virtual time. `OUTAGE=full` runs them over 100,000 grants and a whole day, in some minutes; less by
 * default.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { RefreshOutcome } from "../../src/index.ts";
import { finishAttempts, takeLooks } from "../../src/vault/keeper/upkeep.ts";
import { rotations } from "../support/rotations.ts";
import { peak, refresh, tokens, virtualKeeper } from "./virtual-keeper.ts";
import type { VirtualKeeper } from "./virtual-keeper.ts";

const isFull = process.env["OUTAGE"] === "full";
const grants = isFull ? 100_000 : 600;
const outageMs = isFull ? 86_400_000 : 3_600_000;
const timeout = isFull ? 3_600_000 : 120_000;
/** How often somebody asks while the provider is down. */
const askEveryMs = 500;

const cap = 50;
const rate = { perSecond: cap, burst: cap };

const outages: readonly (() => Response | "no connection")[] = [
  () => "no connection",
  () => new Response("<h1>502 Bad Gateway</h1>", { status: 502, headers: { "content-type": "text/html" } }),
  () => Response.json({ error: "temporarily_unavailable" }, { status: 503, headers: { "retry-after": "5" } }),
];

/** States and generations in the store, and how many there are of each. */
async function census({ store }: VirtualKeeper): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  let after = "";
  for (;;) {
    const rows = await store.listGrants({ limit: 500, after });
    for (const { state, generation } of rows) {
      const name = `${state} ${generation}`;
      counts[name] = (counts[name] ?? 0) + 1;
    }
    const last = rows.at(-1);
    if (last === undefined) return counts;
    after = last.grantId;
  }
}

/** Somebody asks for one grant after another, and upkeep comes round, until `end`. */
async function ask(fixture: VirtualKeeper, ids: readonly string[], end: number): Promise<RefreshOutcome["kind"][]> {
  const { context, time } = fixture;
  const kinds = new Set<RefreshOutcome["kind"]>();
  const asking = async (): Promise<void> => {
    for (let n = 0; time.now() < end; n++) {
      const grantId = ids[(n * 7_919) % ids.length] ?? "";
      kinds.add((await refresh(context, grantId, n % 3 === 0 ? "interactive" : "background")).kind);
      await time.sleep(askEveryMs);
    }
  };
  const upkeep = async (): Promise<void> => {
    for (; time.now() < end; await time.sleep(1_000)) await finishAttempts(context);
  };
  await time.until(Promise.all([asking(), upkeep()]));
  return [...kinds];
}

describe("a provider that is down for a long time", { timeout }, () => {
  for (const { name, rotation } of rotations) {
    test(`rotation ${name}: an outage flags no grant, and no storm of requests follows`, { timeout }, async (t) => {
      const fixture = await virtualKeeper(t, { rotation, rate });
      const { time, context, requests } = fixture;
      const ids = await fixture.addGrants(grants, () => time.now());
      let n = 0;
      fixture.answer = () => outages[(n += 1) % outages.length]?.() ?? "no connection";
      const kinds = await ask(fixture, ids, time.now() + outageMs);
      assert.deepEqual(kinds, ["unavailable"]);
      assert.ok(requests.length < outageMs / 5_000, `${requests.length} requests: it is probed, not hammered`);
      const { "suspect 1": suspects = 0, ...rest } = await census(fixture);
      // A strict provider's lost answer may have held the new token: the grant is `suspect` and comes first.
      assert.ok(name === "strict" || suspects === 0);
      assert.deepEqual(rest, { "active 1": grants - suspects });

      fixture.answer = tokens;
      requests.length = 0;
      const waiting = new Set(ids);
      const recovery = async (): Promise<void> => {
        while (waiting.size > 0) {
          await Promise.all(
            [...waiting].map(async (grantId) => {
              const { kind } = await refresh(context, grantId, "interactive");
              if (kind === "refreshed") waiting.delete(grantId);
            }),
          );
          await time.sleep(1_000);
        }
      };
      await time.until(recovery());
      assert.deepEqual(await census(fixture), { "active 2": grants });
      assert.ok(peak(requests) <= cap, `${peak(requests)} in one second`);
      assert.equal(requests.length, grants, "one exchange each");
      assert.ok(!fixture.events.some(({ type }) => type === "lapsed" || type === "client_refused"));
    });
  }
});

test(
  "tokens that all end in the same second: never above the cap, and those who wait come first",
  { timeout },
  async (t) => {
    const fixture = await virtualKeeper(t, { rotation: "none", rate });
    const { time, context, requests } = fixture;
    const ids = await fixture.addGrants(grants, () => time.now());
    const callers = new Set(ids.filter((_, n) => n % 10 === 0));
    // The background refreshes come first.
    const inOrder = [...ids.filter((id) => !callers.has(id)), ...callers];
    const outcomes = await time.until(
      Promise.all(
        inOrder.map((grantId) => refresh(context, grantId, callers.has(grantId) ? "interactive" : "background")),
      ),
    );
    assert.ok(outcomes.every(({ kind }) => kind === "refreshed"));
    assert.deepEqual(await census(fixture), { "active 2": grants });
    assert.equal(requests.length, grants);
    assert.ok(peak(requests) <= cap, `${peak(requests)} in one second`);
    const positions = requests.flatMap(({ refreshToken }, at) =>
      callers.has(ids[Number(refreshToken.split("-")[1])] ?? "") ? [at] : [],
    );
    // Background refreshes may use up the full bucket before the first caller comes.
    assert.ok(Math.max(...positions) < callers.size + rate.burst, "no caller behind a sweep");
  },
);

test("a person's consents that all end at once: second looks keep to the rate, too", { timeout }, async (t) => {
  const fixture = await virtualKeeper(t, { rotation: "none", rate });
  const { time, context, requests } = fixture;
  const ids = await fixture.addGrants(isFull ? 20_000 : 300, () => time.now());
  fixture.answer = () => Response.json({ error: "invalid_grant" }, { status: 400 });
  const asked = Promise.all(ids.map((id, n) => refresh(context, id, n % 2 === 0 ? "interactive" : "background")));
  const kinds = (await time.until(asked)).map(({ kind }) => kind);
  assert.ok(kinds.every((kind, n) => kind === (n % 2 === 0 ? "ended" : "unavailable")));
  await time.until(time.sleep(120_000));
  await time.until(takeLooks(context));
  assert.deepEqual(await census(fixture), { "lapsed 1": ids.length });
  assert.equal(requests.length, 2 * ids.length, "two pieces of evidence each");
  await time.until(time.sleep(12 * 3_600_000));
  await time.until(takeLooks(context));
  assert.equal(requests.length, 3 * ids.length, "and one more, hours later");
  assert.ok(peak(requests) <= cap, `${peak(requests)} in one second`);
});

test("a client that is refused for a day: one alarm, and no grant changes", { timeout }, async (t) => {
  const fixture = await virtualKeeper(t, { rotation: "none", rate });
  const { time, store, events } = fixture;
  const ids = await fixture.addGrants(grants, () => time.now());
  const before = await Promise.all(ids.map((id) => store.grantById(id)));
  fixture.answer = () => Response.json({ error: "invalid_client" }, { status: 401 });
  const kinds = await ask(fixture, ids, time.now() + outageMs);
  assert.deepEqual(kinds, ["misconfigured"]);
  assert.deepEqual(
    events.map(({ type }) => type),
    ["client_refused"],
  );
  const after = await Promise.all(ids.map((id) => store.grantById(id)));
  // The rows note the last error; nothing that a caller depends on has changed.
  const lasting = (row: (typeof after)[number]): object => ({
    ...row,
    lastError: null,
    lastErrorAt: null,
    lastErrorSays: null,
    failures: 0,
    retryAt: null,
    updatedAt: 0,
  });
  assert.deepEqual(after.map(lasting), before.map(lasting));
});

test("a probe that finds its grant in somebody else's hands lets others ask", { timeout }, async (t) => {
  const fixture = await virtualKeeper(t, { rotation: "strict", rate });
  const { time, context, store } = fixture;
  const [held = "", free = "", ...others] = await fixture.addGrants(12, () => time.now());
  fixture.answer = () => "no connection";
  await time.until(Promise.all(others.map((id) => refresh(context, id, "interactive"))));
  fixture.answer = tokens;
  await time.until(time.sleep(60_000));

  const stranger = { node: "elsewhere", pid: 1, startedAt: "1", vault: "theirs" };
  const elsewhere = { ...context, livenessOf: async () => "alive" as const };
  await store.beginAttempt({ attemptId: "theirs", grantId: held, generation: 1, owner: stranger, at: 0 });
  const waits = refresh(elsewhere, held, "interactive");
  await time.until(time.sleep(100));
  assert.equal((await time.until(refresh(context, free, "interactive"))).kind, "refreshed");
  const { kind } = await time.until(waits);
  assert.equal(kind, "unavailable", "an attempt is not taken from a living owner");
});
