/** What callers and sweeps do while the provider answers badly, in virtual time. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { RefreshOutcome } from "../../src/index.ts";
import { localKeeper } from "../../src/vault/keeper/local-keeper.ts";
import { finishAttempts } from "../../src/vault/keeper/upkeep.ts";
import { peak, refresh, tokens, virtualHouse } from "./virtual-house.ts";
import type { VirtualHouse } from "./virtual-house.ts";

const rate = { perSecond: 50, burst: 50 };
const latencyMs = 150;

const overloaded = (): Response => Response.json({ error: "temporarily_unavailable" }, { status: 503 });
const tooMany =
  (seconds: number, status = 429) =>
  (): Response =>
    Response.json({ error: "rate_limit_exceeded" }, { status, headers: { "retry-after": String(seconds) } });

function ask({ context, time }: VirtualHouse, ids: readonly string[]): Promise<RefreshOutcome[]> {
  return time.until(Promise.all(ids.map((id) => refresh(context, id, "interactive"))));
}

/** Fails for as many grants as it takes until nobody is let through, and lets the pause pass. */
async function goDown(house: VirtualHouse, ids: readonly string[]): Promise<void> {
  house.answer = overloaded;
  for (const id of ids) await ask(house, [id]);
  await house.time.until(house.time.sleep(60_000));
  house.requests.length = 0;
}

describe("while one request finds out whether the provider is back", () => {
  test("callers wait for it, and then go on, at the rate", async (t) => {
    const house = await virtualHouse(t, { rotation: "none", rate });
    const ids = await house.settle(130, () => house.time.now());
    await goDown(house, ids.slice(0, 10));
    house.answer = tokens;
    const outcomes = await ask(house, ids.slice(10));
    assert.ok(
      outcomes.every(({ kind }) => kind === "refreshed"),
      JSON.stringify(outcomes.find(({ kind }) => kind !== "newer")),
    );
    const [probe, next] = house.requests;
    assert.ok((next?.at ?? 0) - (probe?.at ?? 0) >= latencyMs, "nobody but the probe before its answer");
    assert.equal(house.requests.length, 120);
    assert.ok(peak(house.requests) <= rate.perSecond, `${peak(house.requests)} in one second`);
  });

  test("callers are told when the next one is, where it fails", async (t) => {
    const house = await virtualHouse(t, { rotation: "none", rate });
    const ids = await house.settle(60, () => house.time.now());
    await goDown(house, ids.slice(0, 10));
    const begunAt = house.time.now();
    const outcomes = await ask(house, ids.slice(10));
    assert.equal(house.requests.length, 1, "one probe");
    assert.ok(house.time.now() - begunAt < 2 * latencyMs, "and nobody waits for anything but its end");
    house.answer = tokens;
    for (const outcome of outcomes) {
      assert.ok(outcome.kind === "unavailable");
      // The sixth failure in a row pauses for one to two seconds, and a moment.
      assert.ok(outcome.retryAfterMs >= 1_250, JSON.stringify(outcome));
    }
    const waitMs = Math.max(...outcomes.map((outcome) => (outcome.kind === "unavailable" ? outcome.retryAfterMs : 0)));
    await house.time.until(house.time.sleep(waitMs));
    const back = await ask(house, ids.slice(10));
    assert.ok(
      back.every(({ kind }) => kind === "refreshed"),
      "whoever comes back then is served",
    );
  });

  test("sweeps do not wait for it", async (t) => {
    const house = await virtualHouse(t, { rotation: "none", rate });
    const ids = await house.settle(40, () => house.time.now());
    await goDown(house, ids.slice(0, 10));
    const { time, context } = house;
    house.answer = tokens;
    const probe = refresh(context, ids[10] ?? "", "interactive");
    const sweeps = ids.slice(11).map((id) => refresh(context, id, "background"));
    for (const { kind } of await time.until(Promise.all(sweeps))) assert.equal(kind, "unavailable");
    assert.equal((await time.until(probe)).kind, "refreshed");
    assert.equal(house.requests.length, 1);
  });

  test("those who queued when the provider went down are told at once", async (t) => {
    const house = await virtualHouse(t, { rotation: "none", rate });
    const ids = await house.settle(600, () => house.time.now());
    house.answer = overloaded;
    const begunAt = house.time.now();
    const outcomes = await ask(house, ids);
    assert.ok(outcomes.every(({ kind }) => kind === "unavailable"));
    assert.ok(house.time.now() - begunAt < 1_000, `${house.time.now() - begunAt} ms, with a queue of ten seconds`);
  });

  test("what was asked before the provider went down says nothing new when it fails, too", async (t) => {
    const house = await virtualHouse(t, { rotation: "none", rate });
    const ids = await house.settle(51, () => house.time.now());
    house.answer = overloaded;
    await ask(house, ids.slice(0, 50));
    const outcome = await ask(house, ids.slice(50));
    assert.ok(outcome[0]?.kind === "unavailable");
    assert.ok(outcome[0].retryAfterMs <= 2_000, `${outcome[0].retryAfterMs} ms: fifty failures at once are one outage`);
  });
});

describe("a provider that asks for patience", () => {
  test("with the same small Retry-After each time is asked ever more rarely all the same", async (t) => {
    const house = await virtualHouse(t, { rotation: "none", rate });
    const [id = ""] = await house.settle(1, () => house.time.now());
    const { time, context, store } = house;
    house.answer = tooMany(1, 503);
    const waits: number[] = [];
    for (let n = 0; n < 12; n++) {
      await time.until(refresh(context, id, "interactive"));
      const waitMs = ((await store.grantById(id))?.retryAt ?? 0) - time.now();
      waits.push(waitMs);
      await time.until(time.sleep(60_000));
    }
    assert.ok(Math.min(...waits) >= 1_000, "never sooner than asked for");
    assert.ok(Math.max(...waits.slice(-6)) > 10_000, `${waits.join(", ")}: and later, the longer it lasts`);
  });

  test("with 429 holds everybody back, for as long as it says", async (t) => {
    const house = await virtualHouse(t, { rotation: "none", rate });
    const ids = await house.settle(20, () => house.time.now());
    const { time, context } = house;
    house.answer = tooMany(90);
    const [first] = await ask(house, ids.slice(0, 1));
    assert.ok(first?.kind === "unavailable");
    assert.equal(first.retryAfterMs, 90_000);
    house.answer = tokens;
    await time.until(time.sleep(30_000));
    for (const outcome of await ask(house, ids)) {
      assert.ok(outcome.kind === "unavailable");
      assert.equal(outcome.retryAfterMs, 60_000);
      assert.equal(outcome.error, outcome === first ? "rate_limit_exceeded" : outcome.error);
    }
    const sweeps = ids.map((id) => refresh(context, id, "background"));
    for (const { kind } of await time.until(Promise.all(sweeps))) assert.equal(kind, "unavailable");
    await time.until(finishAttempts(context));
    assert.equal(house.requests.length, 1, "nobody asked again");
    await time.until(time.sleep(60_000));
    assert.ok((await ask(house, ids)).every(({ kind }) => kind === "refreshed"));
  });

  for (const error of ["slow_down", "rate_limit_exceeded"]) {
    test(`with ${error} and another status holds everybody back, too`, async (t) => {
      const house = await virtualHouse(t, { rotation: "none", rate });
      const ids = await house.settle(2, () => house.time.now());
      house.answer = () => Response.json({ error }, { status: 403, headers: { "retry-after": "90" } });
      await ask(house, ids.slice(0, 1));
      const [other] = await ask(house, ids.slice(1));
      assert.deepEqual(other, { kind: "unavailable", error: "rate_limited", retryAfterMs: 90_000 });
      assert.equal(house.requests.length, 1);
    });
  }

  test("with 429 is not overruled by an answer that was on its way", async (t) => {
    const house = await virtualHouse(t, { rotation: "none", rate });
    const ids = await house.settle(3, () => house.time.now());
    let n = 0;
    house.answer = (token) => ((n += 1) === 1 ? tooMany(90)() : tokens(token));
    const { time, context } = house;
    const both = [
      refresh(context, ids[0] ?? "", "interactive"),
      time.sleep(50).then(() => refresh(context, ids[1] ?? "", "interactive")),
    ];
    const kinds = (await time.until(Promise.all(both))).map(({ kind }) => kind);
    assert.deepEqual(kinds, ["unavailable", "refreshed"]);
    const [third] = await ask(house, ids.slice(2));
    assert.ok(third?.kind === "unavailable" && third.retryAfterMs > 80_000, JSON.stringify(third));
  });

  test("with 503 holds its grant back, and nobody else", async (t) => {
    const house = await virtualHouse(t, { rotation: "none", rate });
    const ids = await house.settle(2, () => house.time.now());
    house.answer = tooMany(90, 503);
    await ask(house, ids.slice(0, 1));
    house.answer = tokens;
    const [held, free] = await ask(house, ids);
    assert.ok(held?.kind === "unavailable" && held.retryAfterMs === 90_000 && held.error === "rate_limit_exceeded");
    assert.equal(free?.kind, "refreshed");
  });

  test("is left alone by those, too, who waited for another process that it told so", async (t) => {
    const house = await virtualHouse(t, { rotation: "strict", rate });
    const [id = ""] = await house.settle(1, () => house.time.now());
    const { time, context, store } = house;
    const owner = { node: "elsewhere", pid: 1, startedAt: "1", vault: "theirs" };
    const elsewhere = { ...context, livenessOf: async () => "alive" as const };
    await store.beginAttempt({ attemptId: "theirs", grantId: id, generation: 1, owner, at: 0 });
    const waits = refresh(elsewhere, id, "interactive");
    await time.until(time.sleep(1_000));
    const at = time.now();
    await store.endAttempt("theirs", { error: "temporarily_unavailable", at, retryAt: at + 90_000 });
    const outcome = await time.until(waits);
    assert.ok(outcome.kind === "unavailable" && outcome.error === "temporarily_unavailable", JSON.stringify(outcome));
    assert.ok(outcome.retryAfterMs > 85_000 && outcome.retryAfterMs <= 90_000);
    assert.equal(house.requests.length, 0);
    assert.equal((await store.grantById(id))?.failures, 1);
    assert.deepEqual(await store.attempts(), []);
  });
});

test("work that many take over in one moment keeps to the rate", async (t) => {
  const house = await virtualHouse(t, { rotation: "none", rate });
  const { time, context, store } = house;
  const ids = await house.settle(200, () => time.now());
  const owner = { node: "elsewhere", pid: 1, startedAt: "1", vault: "theirs" };
  for (const id of ids)
    await store.beginAttempt({ attemptId: `theirs ${id}`, grantId: id, generation: 1, owner, at: 0 });
  let liveness: "alive" | "dead" = "alive";
  const elsewhere = { ...context, livenessOf: async () => liveness };
  const asked = ids.map((id) => refresh(elsewhere, id, "interactive"));
  await time.until(time.sleep(10_000));
  liveness = "dead";
  for (const outcome of await time.until(Promise.all(asked))) assert.equal(outcome.kind, "refreshed");
  assert.equal(house.requests.length, ids.length);
  assert.ok(peak(house.requests) <= rate.perSecond, `${peak(house.requests)} in one second`);
});

test("a caller does not wait behind all sweeps for a grant that is swept, too", async (t) => {
  const house = await virtualHouse(t, { rotation: "none", rate });
  const { time, context } = house;
  const ids = await house.settle(400, () => time.now());
  const keeper = localKeeper(context);
  const sweeps = ids.map((id) => keeper.refresh({ grantId: id, provider: "google", generation: 1 }, "background"));
  await time.until(time.sleep(1_500));
  const begunAt = time.now();
  assert.equal(
    (await time.until(keeper.refresh({ grantId: ids.at(-1) ?? "", provider: "google", generation: 1 }, "interactive")))
      .kind,
    "refreshed",
  );
  assert.ok(time.now() - begunAt < 2_000, `${time.now() - begunAt} ms`);
  await time.until(Promise.all(sweeps));
  assert.equal(house.requests.length, ids.length);
});
