import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { TestContext } from "node:test";
import { isOnbehalfError } from "../../../src/index.ts";
import { storeUnavailable } from "../../../src/store/sql/failure.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { MemoryRest, restAfterMs } from "../../../src/vault/tokens/memory-rest.ts";
import { rawRequest, testService } from "../../support/test-service.ts";
import type { RawAnswer } from "../../support/test-service.ts";
import { sharedStandin, until } from "../../support/test-vault.ts";
import type { SharedStandin } from "../../support/test-vault.ts";

/** Lets the monotonic clock of this process go faster. */
function fasterTime(t: TestContext): (ms: number) => void {
  const now = performance.now.bind(performance);
  let ahead = 0;
  t.mock.method(performance, "now", () => now() + ahead);
  return (ms) => (ahead += ms);
}

/** Asks, as a look for a token does. */
function mayAnswer(rest: MemoryRest): boolean {
  rest.isAskedFor = true;
  if (rest.isResting) rest.wake();
  return !rest.isResting;
}

/** Memory that looks for changes when it is told to. */
function memory(t: TestContext): {
  readonly rest: MemoryRest;
  readonly log: string[];
  readonly pass: (ms: number) => void;
} {
  const pass = fasterTime(t);
  const rest = new MemoryRest();
  const log: string[] = [];
  const pace = (ms: number): void => void log.push(ms === 500 ? "often" : "seldom");
  rest.watch({ begin: () => void log.push("look"), pace, awakeMs: 500, restingMs: 5_000 });
  return { rest, log, pass };
}

describe("memory that nobody asks", () => {
  test("memory answers while somebody asks, and rests once nobody has for a while", (t) => {
    const { rest, log, pass } = memory(t);
    for (let n = 0; n < 10; n += 1) {
      assert.equal(mayAnswer(rest), true);
      pass(restAfterMs - 1);
      rest.looked(true);
    }
    assert.deepEqual(log, []);
    pass(restAfterMs);
    rest.looked(true);
    assert.deepEqual([rest.isResting, log], [true, ["seldom"]]);
    rest.looked(true);
    assert.deepEqual([rest.isResting, log], [true, ["seldom"]]);
  });

  test("the first who asks a memory that rests begins one look, and all are answered once it is done", async (t) => {
    const { rest, log, pass } = memory(t);
    pass(restAfterMs + 1);
    rest.looked(true);
    assert.deepEqual([mayAnswer(rest), mayAnswer(rest)], [false, false]);
    const awake = Promise.all([rest.awake(), rest.awake()]);
    assert.deepEqual(log, ["seldom", "look"]);
    rest.looked(true);
    await awake;
    assert.deepEqual([mayAnswer(rest), log], [true, ["seldom", "look", "often"]]);
    await rest.awake();
    assert.deepEqual(log, ["seldom", "look", "often"]);
  });

  test("memory does not rest while the store fails, and ends its rest when the store begins to", (t) => {
    const { rest, log, pass } = memory(t);
    pass(restAfterMs + 1);
    rest.looked(false);
    assert.equal(mayAnswer(rest), true);
    rest.looked(true);
    pass(restAfterMs + 1);
    rest.looked(true);
    rest.looked(false);
    assert.deepEqual([rest.isResting, mayAnswer(rest), log], [false, true, ["seldom", "often"]]);
  });

  test("a store that hangs keeps whoever wakes memory no longer than the time between two looks", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { rest, pass } = memory(t);
    pass(restAfterMs + 1);
    rest.looked(true);
    const awake = rest.awake();
    t.mock.timers.tick(499);
    assert.equal(mayAnswer(rest), false);
    t.mock.timers.tick(1);
    await awake;
    assert.equal(mayAnswer(rest), true);
    // The look of then is over at last.
    rest.looked(true);
    assert.equal(mayAnswer(rest), true);
  });
});

describe("a vault that nobody asks", () => {
  let shared: SharedStandin;
  before(async () => {
    shared = await sharedStandin();
  });
  after(() => shared.standin.close());

  /** A service whose memory holds a token, and another vault on its store, as another process has it. */
  async function scene(t: TestContext) {
    const pass = fasterTime(t);
    const service = await testService(t, { shared });
    const { store, fixture, url, key, grant, vault } = service;
    const look = store.changesSince.bind(store);
    const state = { looks: 0, fails: false };
    t.mock.method(store, "changesSince", async (seq: number) => {
      if (state.fails) throw storeUnavailable("the store is away", "wait");
      const found = await look(seq);
      state.looks += 1;
      return found;
    });
    const { grantId } = await grant();
    const path = `/v1/grants/${grantId}/token`;
    const read = (): Promise<RawAnswer> => rawRequest(url, path, { headers: { authorization: `Bearer ${key}` } });
    const other = await fixture.open({ store: sqlite(fixture.path) });
    const looked = async (): Promise<void> => {
      const { looks } = state;
      await until(() => state.looks > looks);
    };
    const rests = async (): Promise<void> => {
      // By the first of them nobody has asked any more, and by the second for a while.
      await looked();
      pass(restAfterMs + 1);
      await looked();
    };
    for (let n = 0; n < 3; n += 1) assert.equal((await read()).status, 200);
    return { ...service, grantId, read, rests, state, other, vault, pass };
  }

  test("a token that another process has ended while memory rested is not handed out by any way", async (t) => {
    for (const way of ["http", "library", "at once"]) {
      const { vault, other, read, rests, grantId } = await scene(t);
      await rests();
      await other.revoke(grantId);
      if (way === "http") assert.equal((await read()).status, 409);
      if (way === "at once") assert.equal(vault.peekAccessToken(grantId), undefined);
      await assert.rejects(vault.getAccessToken(grantId), (error) =>
        isOnbehalfError(error, "reauthorization_required"),
      );
    }
  });

  test("after a rest a token comes from memory again, which has dropped nothing", async (t) => {
    const { vault, rests, read, grantId, store } = await scene(t);
    const before = (await vault.getAccessToken(grantId)).token;
    await rests();
    assert.equal(vault.peekAccessToken(grantId), undefined);
    await until(() => vault.peekAccessToken(grantId)?.token === before);
    // The store is away, and the token is handed out.
    await store.close();
    assert.equal((await read()).status, 200);
  });

  test("while the store is away a token is handed out from memory that rested until then", async (t) => {
    const { vault, rests, state, read, grantId, store } = await scene(t);
    await rests();
    state.fails = true;
    await store.close();
    assert.equal((await read()).status, 200);
    assert.match((await vault.getAccessToken(grantId)).token, /^ya29\./);
    assert.match(vault.peekAccessToken(grantId)?.token ?? "", /^ya29\./);
  });

  test("whoever asks all the time is answered from memory all the time, and each change is looked for as often as ever", async (t) => {
    const { vault, grantId, state, pass } = await scene(t);
    for (let n = 0; n < 3; n += 1) {
      const { looks } = state;
      pass(restAfterMs);
      assert.notEqual(vault.peekAccessToken(grantId), undefined);
      await until(() => state.looks > looks);
      assert.notEqual(vault.peekAccessToken(grantId), undefined);
    }
  });
});
