import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { Gate } from "../../../../src/vault/keeper/gate/gate.ts";
import type { Admitted, Permit, Rejected } from "../../../../src/vault/keeper/gate/permit.ts";
import type { Priority } from "../../../../src/vault/keeper/keeper.ts";
import { VirtualTime } from "../../../faults/virtual-time.ts";

const size = { perSecond: 50, burst: 50 };

function newGate(): { readonly gate: Gate; readonly time: VirtualTime } {
  const time = new VirtualTime("2026-11-22T00:00:00Z");
  return { time, gate: new Gate({ clock: time, random: () => 0.5, sleep: (ms) => time.sleep(ms) }, size) };
}

async function permitOf(gate: Gate, priority: Priority = "interactive"): Promise<Permit> {
  const result = await gate.admit(priority);
  assert.ok(result.kind === "admitted", JSON.stringify(result));
  return result.permit;
}

/** Reports failures until the gate blocks, then lets the pause pass: the next permit is a probe. */
async function halfOpen({ gate, time }: ReturnType<typeof newGate>): Promise<void> {
  for (let n = 0; n < 5; n++) (await permitOf(gate)).failure({});
  await time.until(time.sleep(gate.blockedForMs));
}

/** The requests that have been answered by now; the others wait. */
async function answered(
  results: readonly Promise<Admitted | Rejected>[],
): Promise<((Admitted | Rejected)["kind"] | "waits")[]> {
  const kinds = results.map((): (Admitted | Rejected)["kind"] | "waits" => "waits");
  for (const [n, result] of results.entries()) void result.then(({ kind }) => (kinds[n] = kind));
  await new Promise((resolve) => setImmediate(resolve));
  return kinds;
}

describe("the gate, while a probe is out", () => {
  test("the gate, while a probe is out, keeps callers waiting and turns sweeps away", async () => {
    const at = newGate();
    await halfOpen(at);
    const probe = await permitOf(at.gate);
    const results = (["interactive", "background", "interactive"] as const).map((priority) => at.gate.admit(priority));
    assert.deepEqual(await answered(results), ["waits", "rejected", "waits"]);
    probe.success();
    assert.deepEqual(await answered(results), ["admitted", "rejected", "admitted"]);
  });

  test("the gate, while a probe is out, tells those who wait for it when the next one is", async () => {
    const at = newGate();
    await halfOpen(at);
    const probe = await permitOf(at.gate);
    const waits = at.gate.admit("interactive");
    assert.equal(probe.failure({ retryAfterMs: 45_000 }), 45_000);
    assert.deepEqual(await waits, { kind: "rejected", waitMs: 45_000, error: "provider_down", isClientRefused: false });
  });

  test("the gate, while a probe is out, tells those who wait for it that our client is refused", async () => {
    const at = newGate();
    await halfOpen(at);
    const probe = await permitOf(at.gate);
    const waits = at.gate.admit("interactive");
    assert.equal(probe.clientRefused("invalid_client"), true);
    const result = await waits;
    assert.ok(result.kind === "rejected");
    assert.deepEqual([result.error, result.isClientRefused], ["invalid_client", true]);
  });

  test("the gate makes the next caller the probe, where a permit to probe was not used", async () => {
    const at = newGate();
    await halfOpen(at);
    const probe = await permitOf(at.gate);
    const results = [at.gate.admit("interactive"), at.gate.admit("interactive")];
    probe.release();
    assert.deepEqual(await answered(results), ["admitted", "waits"]);
    const result = await results[0];
    assert.ok(result?.kind === "admitted");
    // A permit that was released has no more effect.
    probe.success();
    assert.deepEqual(await answered(results), ["admitted", "waits"]);
    result.permit.success();
    assert.deepEqual(await answered(results), ["admitted", "admitted"]);
  });

  test("the gate, while a probe is out, hears nothing of what was asked before", async () => {
    const at = newGate();
    const [early, other] = [await permitOf(at.gate), await permitOf(at.gate)];
    await halfOpen(at);
    const probe = await permitOf(at.gate);
    const waits = [at.gate.admit("interactive")];
    early.success();
    other.failure({});
    assert.deepEqual(await answered(waits), ["waits"]);
    probe.success();
    assert.deepEqual(await answered(waits), ["admitted"]);
  });
});

describe("the gate, held by the provider", () => {
  test("the gate, held by the provider, stays shut for as long as it was told, and says why", async () => {
    const { gate, time } = newGate();
    (await permitOf(gate)).failure({ limited: true, retryAfterMs: 90_000 });
    assert.equal(gate.isBlocking, true);
    await time.until(time.sleep(89_999));
    assert.deepEqual(await gate.admit("interactive"), {
      kind: "rejected",
      waitMs: 1,
      error: "rate_limited",
      isClientRefused: false,
    });
    await time.until(time.sleep(1));
    await permitOf(gate);
  });

  test("the gate, held by the provider, does not open for what was asked before, and stays shut longer where that was told so", async () => {
    const { gate } = newGate();
    const [first, second, third] = [await permitOf(gate), await permitOf(gate), await permitOf(gate)];
    first.failure({ limited: true, retryAfterMs: 90_000 });
    second.success();
    assert.equal(gate.blockedForMs, 90_000);
    assert.equal(third.failure({ limited: true, retryAfterMs: 120_000 }), 120_000);
  });

  test("the gate, held by the provider, tells those who queue at once", async () => {
    const { gate } = newGate();
    const first = await permitOf(gate);
    for (let n = 1; n < 50; n++) await permitOf(gate);
    const queued = Array.from({ length: 200 }, (_, n) => gate.admit(n % 2 === 0 ? "interactive" : "background"));
    assert.equal(gate.queued, 200);
    first.failure({ limited: true, retryAfterMs: 90_000 });
    for (const result of await Promise.all(queued)) {
      assert.deepEqual(result, { kind: "rejected", waitMs: 90_000, error: "rate_limited", isClientRefused: false });
    }
    assert.equal(gate.queued, 0);
  });

  test("the gate, held by the provider, lets no probe through that queued when it was held", async () => {
    const at = newGate();
    const early = await permitOf(at.gate);
    await halfOpen(at);
    await at.time.until(at.time.sleep(1_000));
    // The permits of this moment are used up: the next probe queues.
    for (let n = 0; n < size.burst; n++) (await permitOf(at.gate)).release();
    const probe = at.gate.admit("interactive");
    assert.equal(at.gate.queued, 1);
    early.failure({ limited: true, retryAfterMs: 90_000 });
    assert.deepEqual(await probe, { kind: "rejected", waitMs: 90_000, error: "rate_limited", isClientRefused: false });
    assert.equal(at.gate.blockedForMs, 90_000);
  });
});

test("whatever happens, nobody waits at the gate for ever, and one probe at most is out", async () => {
  const step = fc.record({
    priority: fc.constantFrom<Priority>("interactive", "background"),
    after: fc.nat(2_000),
    takes: fc.nat(3_000),
    end: fc.constantFrom("succeeded", "failed", "limited", "refused", "released"),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { gate, time } = newGate();
      await time.until(
        Promise.all(
          steps.map(async ({ priority, after, takes, end }) => {
            await time.sleep(after);
            const result = await gate.admit(priority);
            if (result.kind === "rejected") {
              assert.ok(result.waitMs > 0);
              return;
            }
            await time.sleep(takes);
            const { permit } = result;
            if (end === "succeeded") permit.success();
            else if (end === "failed") permit.failure({});
            else if (end === "limited") permit.failure({ limited: true, retryAfterMs: takes });
            else if (end === "refused") permit.clientRefused("invalid_client");
            permit.release();
          }),
        ),
      );
      assert.equal(gate.queued, 0);
      await time.until(time.sleep(60_000));
      (await time.until(permitOf(gate))).success();
      assert.equal(gate.isBlocking, false);
    }),
    { numRuns: 60 },
  );
});
