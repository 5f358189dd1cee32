import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import * as fc from "fast-check";
import { SharedReads, SingleFlight, waitFor } from "../../src/core/single-flight.ts";

/** Rejections that nobody handled while `work` ran. One of them would end a server. */
async function unhandledDuring(t: TestContext, work: () => Promise<void>): Promise<unknown[]> {
  const unhandled: unknown[] = [];
  const keep = (reason: unknown): void => {
    unhandled.push(reason);
  };
  // The runner's own listeners would fail the test before it could say what it saw.
  const others = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", keep);
  t.after(() => {
    process.removeListener("unhandledRejection", keep);
    for (const other of others) process.on("unhandledRejection", other);
  });
  await work();
  await turn();
  await turn();
  return unhandled;
}

describe("SingleFlight", () => {
  test("SingleFlight runs one piece of work per key, and gives everybody its result", async () => {
    const flight = new SingleFlight<string, number>();
    const gate = Promise.withResolvers<number>();
    let runs = 0;
    const work = async (): Promise<number> => {
      runs += 1;
      return gate.promise;
    };
    const callers = Array.from({ length: 100 }, () => flight.do("a", work));
    const other = flight.do("b", async () => 7);
    assert.deepEqual([runs, flight.size], [1, 2]);
    gate.resolve(42);
    assert.deepEqual(new Set(await Promise.all(callers)), new Set([42]));
    assert.equal(await other, 7);
    assert.deepEqual([runs, flight.size], [1, 0]);
  });

  test("SingleFlight runs anew once the last run has ended, well or not", async () => {
    const flight = new SingleFlight<string, string>();
    await assert.rejects(
      flight.do("a", async () => {
        throw new Error("the first fails");
      }),
      /the first fails/,
    );
    assert.equal(flight.size, 0);
    assert.equal(await flight.do("a", async () => "the second does not"), "the second does not");
  });

  test("SingleFlight turns a throw before the first await into a rejection, and is not poisoned by it", async () => {
    const flight = new SingleFlight<string, string>();
    const thrown = flight.do("a", () => {
      throw new Error("at once");
    });
    await assert.rejects(thrown, /at once/);
    assert.equal(await flight.do("a", async () => "fine"), "fine");
  });

  test("SingleFlight has settled when all work under way has ended, whatever its end", async () => {
    const flight = new SingleFlight<string, void>();
    const well = Promise.withResolvers<void>();
    const badly = Promise.withResolvers<void>();
    const runs = [flight.do("well", () => well.promise), flight.do("badly", () => badly.promise)];
    let settled = false;
    const waiting = flight.settled().then(() => {
      settled = true;
    });
    well.resolve();
    await turn();
    assert.equal(settled, false);
    badly.reject(new Error("no"));
    await waiting;
    assert.deepEqual(
      (await Promise.allSettled(runs)).map(({ status }) => status),
      ["fulfilled", "rejected"],
    );
  });

  test("SingleFlight never has two runs of one key at a time, in whatever order callers come and work ends", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(fc.nat(2), { maxLength: 30 }), async (scheduler, keys) => {
        const flight = new SingleFlight<number, number>();
        const running = new Set<number>();
        const all = scheduler.scheduleSequence(
          keys.map((key) => async () => {
            const run = flight.do(key, async () => {
              assert.ok(!running.has(key), `two runs of ${key}`);
              running.add(key);
              await scheduler.schedule(Promise.resolve());
              running.delete(key);
              return key;
            });
            run.then(
              (value) => assert.equal(value, key),
              () => undefined,
            );
          }),
        );
        await scheduler.waitAll();
        assert.equal((await all.task).faulty, false);
        assert.equal(flight.size, 0);
      }),
      { numRuns: 100 },
    );
  });
});

describe("waitFor", () => {
  test("waitFor gives up with the signal's own reason, while the work goes on for the others", async () => {
    const flight = new SingleFlight<string, string>();
    const gate = Promise.withResolvers<string>();
    const impatient = new AbortController();
    const hangsUp = waitFor(
      flight.do("a", () => gate.promise),
      impatient.signal,
    );
    const patient = waitFor(flight.do("a", () => assert.fail("a second run")));
    const reason = new Error("the caller hung up");
    impatient.abort(reason);
    await assert.rejects(hangsUp, (error) => error === reason);
    assert.equal(flight.size, 1, "the refresh must not end with the one who asked for it");
    gate.resolve("done");
    assert.equal(await patient, "done");
  });

  test("waitFor refuses at once where the signal was aborted before", async () => {
    const never = new Promise<string>(() => undefined);
    await assert.rejects(waitFor(never, AbortSignal.abort("gone")), (reason) => reason === "gone");
  });

  test("waitFor passes result and rejection on, with a signal and without", async () => {
    const { signal } = new AbortController();
    assert.equal(await waitFor(Promise.resolve(1)), 1);
    assert.equal(await waitFor(Promise.resolve(2), signal), 2);
    await assert.rejects(waitFor(Promise.reject(new Error("as it was")), signal), /as it was/);
    await assert.rejects(waitFor(Promise.reject(new Error("as it was"))), /as it was/);
  });

  test("waitFor leaves no listener behind, however often one signal is used", async () => {
    const { signal } = new AbortController();
    for (let i = 0; i < 20; i++) await waitFor(Promise.resolve(i), signal);
    await assert.rejects(waitFor(Promise.reject(new Error("no")), signal));
    assert.deepEqual(getEventListeners(signal, "abort"), []);
  });

  test("waitFor leaves no rejection unhandled, whenever the caller hangs up", async (t) => {
    const unhandled = await unhandledDuring(t, async () => {
      const [before, during] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const hangsUp = new AbortController();
      const early = waitFor(before.promise, AbortSignal.abort("before"));
      const late = waitFor(during.promise, hangsUp.signal);
      hangsUp.abort("during");
      await assert.rejects(early, (reason) => reason === "before");
      await assert.rejects(late, (reason) => reason === "during");
      before.reject(new Error("nobody waits for this one"));
      during.reject(new Error("nor for this one"));
    });
    assert.deepEqual(unhandled, []);
  });
});

describe("reads that many ask for at once", () => {
  /** Counts the reads, and lets the test end them. */
  function counted(): {
    reads: SharedReads<string, number>;
    read: () => Promise<number>;
    end: (n: number) => void;
    begun: () => number;
  } {
    const running: PromiseWithResolvers<void>[] = [];
    return {
      reads: new SharedReads<string, number>(),
      read: async () => {
        const n = running.length;
        running.push(Promise.withResolvers<void>());
        await running[n]?.promise;
        return n;
      },
      end: (n) => running[n]?.resolve(),
      begun: () => running.length,
    };
  }

  test("reads that many ask for at once are two: the one that runs, and one for all who came meanwhile", async () => {
    const { reads, read, end, begun } = counted();
    const asked = Array.from({ length: 200 }, () => reads.do("g_1", read));
    assert.equal(begun(), 1);
    end(0);
    assert.equal(await asked[0], 0);
    assert.equal(begun(), 2);
    end(1);
    assert.deepEqual(new Set(await Promise.all(asked.slice(1))), new Set([1]));
  });

  test("reads never give anybody what was read before they asked", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom("ask", "turn", "write"), { maxLength: 40 }), async (steps) => {
        const reads = new SharedReads<string, number>();
        let written = 0;
        const asked: [number, Promise<number>][] = [];
        for (const step of steps) {
          if (step === "write") written += 1;
          else if (step === "turn") await turn();
          else {
            asked.push([
              written,
              reads.do("g_1", async () => {
                const seen = written;
                await turn();
                return seen;
              }),
            ]);
          }
        }
        for (const [since, got] of asked) assert.ok((await got) >= since);
      }),
    );
  });

  test("reads that fail fail those who wait for them, and the next one is tried", async () => {
    const reads = new SharedReads<string, number>();
    let tries = 0;
    const read = async (): Promise<number> => {
      tries += 1;
      await turn();
      if (tries === 1) throw new Error("the store is away");
      return tries;
    };
    const [first, second, third] = [reads.do("g_1", read), reads.do("g_1", read), reads.do("g_1", read)];
    await assert.rejects(first, /away/);
    assert.deepEqual(await Promise.all([second, third]), [2, 2]);
    assert.equal(await reads.do("g_1", read), 3, "nothing is kept of those that are over");
  });

  test("reads of one key do not wait for those of another", async () => {
    const { reads, read, end, begun } = counted();
    const [one, other] = [reads.do("g_1", read), reads.do("g_2", read)];
    assert.equal(begun(), 2);
    end(1);
    assert.equal(await other, 1);
    end(0);
    assert.equal(await one, 0);
  });
});
