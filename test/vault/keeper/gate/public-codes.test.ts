import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { Gate, tooManySignIns } from "../../../../src/vault/keeper/gate/gate.ts";
import type { Rank } from "../../../../src/vault/keeper/gate/gate.ts";
import type { Admitted, Permit, Rejected } from "../../../../src/vault/keeper/gate/permit.ts";
import { VirtualTime } from "../../../faults/virtual-time.ts";

const size = { perSecond: 50, burst: 50 };
/** Of the 50 places of a second, those that codes of people without a key may have. */
const share = 25;
/** How many of them are sent at once. */
const atOnce = 16;
/** How many of them may wait. */
const mostWaiting = 100;

interface AtGate {
  readonly gate: Gate;
  readonly time: VirtualTime;
  /** The ranks that were admitted, in order, each with the time since the start, milliseconds. */
  readonly admitted: { readonly rank: Rank; readonly afterMs: number }[];
  /** Asks; the permit is given back with success. */
  ask(rank: Rank): Promise<Admitted | Rejected>;
}

function atGate(random: () => number = () => 0.5): AtGate {
  const time = new VirtualTime("2026-11-22T00:00:00Z");
  const start = time.now();
  const gate = new Gate({ clock: time, random, sleep: (ms) => time.sleep(ms) }, size);
  const admitted: { rank: Rank; afterMs: number }[] = [];
  return {
    gate,
    time,
    admitted,
    async ask(rank) {
      const result = await gate.admit(rank);
      if (result.kind === "admitted") {
        admitted.push({ rank, afterMs: time.now() - start });
        result.permit.success();
      }
      return result;
    },
  };
}

async function permitOf(gate: Gate, rank: Rank): Promise<Permit> {
  const result = await gate.admit(rank);
  assert.ok(result.kind === "admitted", JSON.stringify(result));
  return result.permit;
}

const times = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));

describe("codes of people without a key", () => {
  type Row = readonly [title: string, before: readonly Rank[], then: Rank, place: number];
  const flood: readonly Rank[] = times(200, () => "public-intake" as const);
  /** Who comes after others, and how many of them are served before it. */
  const table: readonly Row[] = [
    ["a caller does not wait behind a flood", flood, "interactive", atOnce],
    ["a caller's own code does not, either", flood, "intake", atOnce],
    ["upkeep finds the rest of the rate", flood, "background", atOnce],
    ["a sign-in does not wait behind upkeep", times(200, () => "background" as const), "public-intake", 50],
    ["a sign-in waits behind callers", times(100, () => "interactive" as const), "public-intake", 100],
    ["and behind callers' codes", times(100, () => "intake" as const), "public-intake", 100],
    ["a caller's code waits behind callers' refreshes", times(100, () => "interactive" as const), "intake", 100],
  ];
  for (const [title, before, then, place] of table) {
    test(title, async () => {
      const { ask, time, admitted } = atGate();
      const others = before.map((rank) => ask(rank));
      const last = ask(then);
      await time.until(Promise.all([...others, last]));
      assert.equal(
        admitted.findLastIndex(({ rank }) => rank === then),
        place,
        JSON.stringify(admitted.slice(0, 5)),
      );
    });
  }

  test("no more than the share goes out within any second, and no more than the bound waits", async () => {
    const { ask, gate, time, admitted } = atGate(pseudoRandom(7));
    const results: Promise<Admitted | Rejected>[] = [];
    for (let ms = 0; ms < 10_000; ms += 5) {
      results.push(ask("public-intake"), ask("public-intake"));
      assert.ok(gate.queued <= mostWaiting, `${gate.queued} wait`);
      await time.until(time.sleep(5));
    }
    const answers = await time.until(Promise.all(results));
    const refused = answers.filter((answer) => answer.kind === "rejected");
    assert.equal(refused.length + admitted.length, results.length);
    for (const { error, waitMs, isClientRefused } of refused) {
      assert.deepEqual([error, isClientRefused], [tooManySignIns, false]);
      assert.ok(waitMs >= 1_000 && waitMs <= 4_000, `${waitMs}`);
    }
    for (const { afterMs } of admitted) {
      const within = admitted.filter((other) => other.afterMs >= afterMs && other.afterMs < afterMs + 1_000);
      assert.ok(within.length <= share, `${within.length} within a second`);
    }
    // The share is used up, too: garbage does not keep out more than its number.
    assert.ok(admitted.length >= 10 * share, `${admitted.length} in ten seconds`);
    assert.equal(gate.queued, 0);
  });

  test("sixteen are at work at once, and two while a caller's request is under way", async () => {
    const { gate, time } = atGate();
    const out: Permit[] = [];
    const add = (permit: Permit): unknown => out.push(permit);
    const asked = times(30, () => permitOf(gate, "public-intake").then(add));
    await time.until(time.sleep(5_000));
    assert.equal(out.length, atOnce);
    const caller = await time.until(permitOf(gate, "interactive"));
    for (const permit of out.splice(0, 14)) permit.success();
    await time.until(time.sleep(5_000));
    assert.equal(out.length, 2, "none was admitted beside the caller's");
    // A permit that is given back twice counts once.
    for (const again of [1, 2]) out[0]?.[again === 1 ? "success" : "release"]();
    await time.until(time.sleep(5_000));
    assert.equal(out.length, 3);
    caller.success();
    await time.until(Promise.all(asked));
    assert.equal(out.length, atOnce);
    assert.equal(gate.queued, 0);
  });

  test("a caller is served at once in every millisecond of a flood", async () => {
    const { ask, time } = atGate(pseudoRandom(11));
    const flood: Promise<unknown>[] = [];
    for (let ms = 0; ms < 5_000; ms += 50) {
      flood.push(...times(20, () => ask("public-intake")));
      const before = time.now();
      const caller = await time.until(ask("interactive"));
      assert.equal(caller.kind, "admitted");
      assert.ok(time.now() - before <= 1, `waited ${time.now() - before} ms at ${ms}`);
      await time.until(time.sleep(50));
    }
    await time.until(Promise.all(flood));
  });

  test("one sign-in among garbage has the chance of its number, wherever it stands in the queue", async () => {
    // Twenty come at each moment. The honest one is the first or the last of them.
    for (const at of [0, 19]) {
      const { ask, time } = atGate(pseudoRandom(3 + at));
      const honest: Promise<Admitted | Rejected>[] = [];
      const all: Promise<unknown>[] = [];
      for (let ms = 0; ms < 60_000; ms += 50) {
        for (let n = 0; n < 20; n++) {
          const one = ask("public-intake");
          all.push(one);
          if (n === at) honest.push(one);
        }
        await time.until(time.sleep(50));
      }
      await time.until(Promise.all(all));
      const served = (await Promise.all(honest)).filter(({ kind }) => kind === "admitted").length;
      // 25 of 400 a second are served: 75 of 1,200.
      assert.ok(served > 40 && served < 120, `${served} of ${honest.length}`);
    }
  });
});

describe("what a code meets", () => {
  const meets: readonly (readonly [title: string, report: (permit: Permit) => unknown])[] = [
    ["a failure", (permit) => permit.failure({})],
    ["a failure that asks for a pause", (permit) => permit.failure({ retryAfterMs: 90_000 })],
    ["too many requests", (permit) => permit.failure({ limited: true, retryAfterMs: 90_000 })],
    ["a refused client", (permit) => permit.clientRefused("invalid_client")],
    ["a firewall's page", (permit) => permit.failure({ blocked: "a code" })],
  ];
  for (const [title, report] of meets) {
    for (const rank of ["public-intake", "intake"] as const) {
      test(`${title}, of ${rank}, keeps no refresh waiting`, async () => {
        const { gate } = atGate();
        for (let n = 0; n < 12; n++) {
          const answer = await gate.admit(rank);
          if (answer.kind === "admitted") report(answer.permit);
        }
        assert.equal(gate.isBlocking, false);
        assert.equal(gate.blockedForMs, 0);
        assert.equal(gate.rejection(5_000, "backing_off").error, "backing_off");
        for (const refresh of ["interactive", "background"] as const) (await permitOf(gate, refresh)).success();
      });
    }
  }

  test("codes wait for what refreshes meet", async () => {
    const { gate } = atGate();
    (await permitOf(gate, "interactive")).failure({ limited: true, retryAfterMs: 90_000 });
    for (const rank of ["public-intake", "intake"] as const) {
      const expected = { kind: "rejected", waitMs: 90_000, error: "rate_limited", isClientRefused: false };
      assert.deepEqual(await gate.admit(rank), expected);
    }
  });

  test("a refused client is told once, whoever met it first", async () => {
    const { gate } = atGate();
    const [refresh, code] = [await permitOf(gate, "interactive"), await permitOf(gate, "public-intake")];
    assert.equal(code.clientRefused("invalid_client"), true);
    assert.equal(refresh.clientRefused("invalid_client"), false);
  });
});

test("whatever comes and however it ends, nobody waits at the gate for ever", async () => {
  const step = fc.record({
    rank: fc.constantFrom<Rank>("interactive", "intake", "public-intake", "background"),
    count: fc.integer({ min: 1, max: 150 }),
    after: fc.nat(2_000),
    takes: fc.nat(3_000),
    end: fc.constantFrom("succeeded", "failed", "limited", "refused", "released"),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const { gate, time } = atGate();
      const one = async ({ rank, after, takes, end }: (typeof steps)[number]): Promise<void> => {
        await time.sleep(after);
        const result = await gate.admit(rank);
        if (result.kind === "rejected") return assert.ok(result.waitMs > 0);
        await time.sleep(takes);
        const { permit } = result;
        if (end === "succeeded") permit.success();
        else if (end === "failed") permit.failure({});
        else if (end === "limited") permit.failure({ limited: true, retryAfterMs: takes });
        else if (end === "refused") permit.clientRefused("invalid_client");
        permit.release();
      };
      await time.until(Promise.all(steps.flatMap((each) => times(each.count, () => one(each)))));
      assert.equal(gate.queued, 0);
      await time.until(time.sleep(60_000));
      for (const rank of ["public-intake", "interactive"] as const) {
        (await time.until(permitOf(gate, rank))).success();
      }
      assert.equal(gate.isBlocking, false);
    }),
    { numRuns: 30 },
  );
});

/** Numbers in [0, 1) that look like chance and are the same in each run. */
function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}
