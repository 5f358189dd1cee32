/** What callers and sweeps do while the provider answers badly, in virtual time. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { RefreshOutcome } from "../../src/index.ts";
import { localKeeper } from "../../src/vault/keeper/local-keeper.ts";
import { finishAttempts } from "../../src/vault/keeper/upkeep.ts";
import { peak, refresh, tokens, virtualKeeper } from "./virtual-keeper.ts";
import type { VirtualKeeper } from "./virtual-keeper.ts";
import type { SeenGrant } from "../../src/vault/keeper/keeper.ts";

const rate = { perSecond: 50, burst: 50 };
const latencyMs = 150;

const overloaded = (): Response => Response.json({ error: "temporarily_unavailable" }, { status: 503 });
const tooMany =
  (seconds: number, status = 429) =>
  (): Response =>
    Response.json({ error: "rate_limit_exceeded" }, { status, headers: { "retry-after": String(seconds) } });

function ask({ context, time }: VirtualKeeper, ids: readonly string[]): Promise<RefreshOutcome[]> {
  return time.until(Promise.all(ids.map((id) => refresh(context, id, "interactive"))));
}

/** Lets refreshes fail until the breaker blocks, then lets its pause pass: the next request is the probe. */
async function goDown(fixture: VirtualKeeper, ids: readonly string[]): Promise<void> {
  fixture.answer = overloaded;
  for (const id of ids) await ask(fixture, [id]);
  await fixture.time.until(fixture.time.sleep(60_000));
  fixture.requests.length = 0;
}

describe("while one request finds out whether the provider is back", () => {
  test("while a probe is out: callers wait for it, and then go on, at the rate", async (t) => {
    const fixture = await virtualKeeper(t, { rotation: "none", rate });
    const ids = await fixture.addGrants(130, () => fixture.time.now());
    await goDown(fixture, ids.slice(0, 10));
    fixture.answer = tokens;
    const outcomes = await ask(fixture, ids.slice(10));
    assert.ok(
      outcomes.every(({ kind }) => kind === "refreshed"),
      JSON.stringify(outcomes.find(({ kind }) => kind !== "refreshed")),
    );
    const [probe, next] = fixture.requests;
    assert.ok((next?.at ?? 0) - (probe?.at ?? 0) >= latencyMs, "nobody but the probe before its answer");
    assert.equal(fixture.requests.length, 120);
    assert.ok(peak(fixture.requests) <= rate.perSecond, `${peak(fixture.requests)} in one second`);
  });

  test("while a probe is out: callers are told when the next one is, where it fails", async (t) => {
    const fixture = await virtualKeeper(t, { rotation: "none", rate });
    const ids = await fixture.addGrants(60, () => fixture.time.now());
    await goDown(fixture, ids.slice(0, 10));
    const begunAt = fixture.time.now();
    const outcomes = await ask(fixture, ids.slice(10));
    assert.equal(fixture.requests.length, 1, "one probe");
    assert.ok(fixture.time.now() - begunAt < 2 * latencyMs, "and nobody waits for anything but its end");
    fixture.answer = tokens;
    for (const outcome of outcomes) {
      assert.ok(outcome.kind === "unavailable");
      // After the sixth failure in a row the breaker pauses for one to two seconds; callers add a moment to that.
      assert.ok(outcome.retryAfterMs >= 1_250, JSON.stringify(outcome));
    }
    const waitMs = Math.max(...outcomes.map((outcome) => (outcome.kind === "unavailable" ? outcome.retryAfterMs : 0)));
    await fixture.time.until(fixture.time.sleep(waitMs));
    const back = await ask(fixture, ids.slice(10));
    assert.ok(
      back.every(({ kind }) => kind === "refreshed"),
      "whoever comes back then is served",
    );
  });

  test("while a probe is out: sweeps do not wait for it", async (t) => {
    const fixture = await virtualKeeper(t, { rotation: "none", rate });
    const ids = await fixture.addGrants(40, () => fixture.time.now());
    await goDown(fixture, ids.slice(0, 10));
    const { time, context } = fixture;
    fixture.answer = tokens;
    const probe = refresh(context, ids[10] ?? "", "interactive");
    const sweeps = ids.slice(11).map((id) => refresh(context, id, "background"));
    for (const { kind } of await time.until(Promise.all(sweeps))) assert.equal(kind, "unavailable");
    assert.equal((await time.until(probe)).kind, "refreshed");
    assert.equal(fixture.requests.length, 1);
  });

  test("while a probe is out: those who queued when the provider went down are told at once", async (t) => {
    const fixture = await virtualKeeper(t, { rotation: "none", rate });
    const ids = await fixture.addGrants(600, () => fixture.time.now());
    fixture.answer = overloaded;
    const begunAt = fixture.time.now();
    const outcomes = await ask(fixture, ids);
    assert.ok(outcomes.every(({ kind }) => kind === "unavailable"));
    assert.ok(fixture.time.now() - begunAt < 1_000, `${fixture.time.now() - begunAt} ms, with a queue of ten seconds`);
  });

  test("while a probe is out: what was asked before the provider went down says nothing new when it fails, too", async (t) => {
    const fixture = await virtualKeeper(t, { rotation: "none", rate });
    const ids = await fixture.addGrants(51, () => fixture.time.now());
    fixture.answer = overloaded;
    await ask(fixture, ids.slice(0, 50));
    const outcome = await ask(fixture, ids.slice(50));
    assert.ok(outcome[0]?.kind === "unavailable");
    assert.ok(outcome[0].retryAfterMs <= 2_000, `${outcome[0].retryAfterMs} ms: fifty failures at once are one outage`);
  });
});

describe("a provider that asks for patience", () => {
  test("a provider that sends the same small Retry-After each time is asked ever more rarely", async (t) => {
    const fixture = await virtualKeeper(t, { rotation: "none", rate });
    const [id = ""] = await fixture.addGrants(1, () => fixture.time.now());
    const { time, context, store } = fixture;
    fixture.answer = tooMany(1, 503);
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

  test("a provider that asks to wait with 429 holds everybody back, for as long as it says", async (t) => {
    const fixture = await virtualKeeper(t, { rotation: "none", rate });
    const ids = await fixture.addGrants(20, () => fixture.time.now());
    const { time, context } = fixture;
    fixture.answer = tooMany(90);
    const [first] = await ask(fixture, ids.slice(0, 1));
    assert.ok(first?.kind === "unavailable");
    assert.equal(first.retryAfterMs, 90_000);
    fixture.answer = tokens;
    await time.until(time.sleep(30_000));
    for (const outcome of await ask(fixture, ids)) {
      assert.ok(outcome.kind === "unavailable");
      assert.equal(outcome.retryAfterMs, 60_000);
      assert.equal(outcome.error, outcome === first ? "rate_limit_exceeded" : outcome.error);
    }
    const sweeps = ids.map((id) => refresh(context, id, "background"));
    for (const { kind } of await time.until(Promise.all(sweeps))) assert.equal(kind, "unavailable");
    await time.until(finishAttempts(context));
    assert.equal(fixture.requests.length, 1, "nobody asked again");
    await time.until(time.sleep(60_000));
    assert.ok((await ask(fixture, ids)).every(({ kind }) => kind === "refreshed"));
  });

  for (const error of ["slow_down", "rate_limit_exceeded"]) {
    test(`a provider that asks to wait with ${error} and another status holds everybody back, too`, async (t) => {
      const fixture = await virtualKeeper(t, { rotation: "none", rate });
      const ids = await fixture.addGrants(2, () => fixture.time.now());
      fixture.answer = () => Response.json({ error }, { status: 403, headers: { "retry-after": "90" } });
      await ask(fixture, ids.slice(0, 1));
      const [other] = await ask(fixture, ids.slice(1));
      assert.deepEqual(other, { kind: "unavailable", error: "rate_limited", retryAfterMs: 90_000 });
      assert.equal(fixture.requests.length, 1);
    });
  }

  test("a provider that asks to wait with 429 is not overruled by an answer that was on its way", async (t) => {
    const fixture = await virtualKeeper(t, { rotation: "none", rate });
    const ids = await fixture.addGrants(3, () => fixture.time.now());
    let n = 0;
    fixture.answer = (token) => ((n += 1) === 1 ? tooMany(90)() : tokens(token));
    const { time, context } = fixture;
    const both = [
      refresh(context, ids[0] ?? "", "interactive"),
      time.sleep(50).then(() => refresh(context, ids[1] ?? "", "interactive")),
    ];
    const kinds = (await time.until(Promise.all(both))).map(({ kind }) => kind);
    assert.deepEqual(kinds, ["unavailable", "refreshed"]);
    const [third] = await ask(fixture, ids.slice(2));
    assert.ok(third?.kind === "unavailable" && third.retryAfterMs > 80_000, JSON.stringify(third));
  });

  test("a provider that asks to wait with 503 holds its grant back, and nobody else", async (t) => {
    const fixture = await virtualKeeper(t, { rotation: "none", rate });
    const ids = await fixture.addGrants(2, () => fixture.time.now());
    fixture.answer = tooMany(90, 503);
    await ask(fixture, ids.slice(0, 1));
    fixture.answer = tokens;
    const [held, free] = await ask(fixture, ids);
    assert.ok(held?.kind === "unavailable" && held.retryAfterMs === 90_000 && held.error === "rate_limit_exceeded");
    assert.equal(free?.kind, "refreshed");
  });

  test("a provider that asked another process to wait is left alone by those who waited for that process", async (t) => {
    const fixture = await virtualKeeper(t, { rotation: "strict", rate });
    const [id = ""] = await fixture.addGrants(1, () => fixture.time.now());
    const { time, context, store } = fixture;
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
    assert.equal(fixture.requests.length, 0);
    assert.equal((await store.grantById(id))?.failures, 1);
    assert.deepEqual(await store.attempts(), []);
  });
});

test("work that many take over in one moment keeps to the rate", async (t) => {
  const fixture = await virtualKeeper(t, { rotation: "none", rate });
  const { time, context, store } = fixture;
  const ids = await fixture.addGrants(200, () => time.now());
  const owner = { node: "elsewhere", pid: 1, startedAt: "1", vault: "theirs" };
  for (const id of ids)
    await store.beginAttempt({ attemptId: `theirs ${id}`, grantId: id, generation: 1, owner, at: 0 });
  let liveness: "alive" | "dead" = "alive";
  const elsewhere = { ...context, livenessOf: async () => liveness };
  const asked = ids.map((id) => refresh(elsewhere, id, "interactive"));
  await time.until(time.sleep(10_000));
  liveness = "dead";
  for (const outcome of await time.until(Promise.all(asked))) assert.equal(outcome.kind, "refreshed");
  assert.equal(fixture.requests.length, ids.length);
  assert.ok(peak(fixture.requests) <= rate.perSecond, `${peak(fixture.requests)} in one second`);
});

test("a caller does not wait behind all sweeps for a grant that is swept, too", async (t) => {
  const fixture = await virtualKeeper(t, { rotation: "none", rate });
  const { time, context } = fixture;
  const ids = await fixture.addGrants(400, () => time.now());
  const keeper = localKeeper(context);
  const { client, provider } = context.protocols.get("google") ?? assert.fail("no protocol");
  const seen = (grantId: string): SeenGrant => ({
    grantId,
    provider: provider.name,
    clientId: client.clientId,
    issuer: provider.issuer,
    generation: 1,
  });
  const sweeps = ids.map((id) => keeper.refresh(seen(id), "background"));
  await time.until(time.sleep(1_500));
  const begunAt = time.now();
  assert.equal((await time.until(keeper.refresh(seen(ids.at(-1) ?? ""), "interactive"))).kind, "refreshed");
  assert.ok(time.now() - begunAt < 2_000, `${time.now() - begunAt} ms`);
  await time.until(Promise.all(sweeps));
  assert.equal(fixture.requests.length, ids.length);
});
