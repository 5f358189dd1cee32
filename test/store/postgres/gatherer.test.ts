import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Gatherer } from "../../../src/store/postgres/gatherer.ts";

interface Taken {
  readonly names: readonly string[];
  end(): void;
}

/** A gatherer whose takings end when they are told to. */
function gatherer(places: number, { most = 10, together = 1, patienceMs = 60_000, besideAfterMs = 0 } = {}) {
  const arrivals: ((taken: Taken) => void)[] = [];
  const takings: Taken[] = [];
  const givenUp = Promise.withResolvers<string>();
  const gathering = new Gatherer<string>({
    places,
    most,
    together,
    patienceMs,
    besideAfterMs,
    // What stands before a colon is a key.
    keysOf: (item) => (item.includes(":") ? [item.split(":")[0] ?? ""] : []),
    giveUp: (item) => givenUp.resolve(item),
    async work(names) {
      const { promise, resolve: end } = Promise.withResolvers<void>();
      const taken = { names, end };
      const arrival = arrivals.shift();
      if (arrival === undefined) takings.push(taken);
      else arrival(taken);
      await promise;
    },
  });
  const next = (): Promise<Taken> => {
    const taken = takings.shift();
    return taken === undefined ? new Promise((resolve) => arrivals.push(resolve)) : Promise.resolve(taken);
  };
  return { gathering, next, givenUp: givenUp.promise };
}

describe("the gathering of statements before PostgreSQL", () => {
  test("what comes while others are under way is taken together when a place is free", async () => {
    const { gathering, next } = gatherer(1);
    gathering.add("first");
    const first = await next();
    for (const name of ["a", "b", "c"]) gathering.add(name);
    first.end();
    assert.deepEqual((await next()).names, ["a", "b", "c"]);
  });

  test("no more is taken at once than is allowed, and what is left comes next, in order", async () => {
    const { gathering, next } = gatherer(1, { most: 2 });
    for (const name of ["a", "b", "c", "d", "e"]) gathering.add(name);
    const seen: (readonly string[])[] = [];
    for (let n = 0; n < 3; n += 1) {
      const taken = await next();
      seen.push(taken.names);
      taken.end();
    }
    assert.deepEqual(seen, [["a", "b"], ["c", "d"], ["e"]]);
  });

  test("what comes together is shared out among the places that are free", async () => {
    const { gathering, next } = gatherer(2);
    for (const name of ["a", "b", "c", "d"]) gathering.add(name);
    assert.deepEqual(
      [(await next()).names, (await next()).names],
      [
        ["a", "b"],
        ["c", "d"],
      ],
    );
  });

  test("so few that they are not worth another place are taken together, and more are shared out", async () => {
    const { gathering, next } = gatherer(4, { together: 2 });
    for (const name of ["a", "b", "c"]) gathering.add(name);
    const taken = [await next(), await next()];
    assert.deepEqual(
      taken.map(({ names }) => names),
      [["a", "b"], ["c"]],
    );
    for (const { end } of taken) end();
    for (const name of ["d", "e", "f", "g", "h", "i", "j", "k", "l"]) gathering.add(name);
    assert.deepEqual((await next()).names, ["d", "e", "f"]);
  });

  test("what has a key in common is never under way at once, and holds up nothing else", async () => {
    const { gathering, next } = gatherer(2);
    for (const name of ["one:a", "one:b", "two:c", "one:d"]) gathering.add(name);
    const first = await next();
    assert.deepEqual(first.names, ["one:a", "two:c"]);
    gathering.add("three:e");
    const second = await next();
    assert.deepEqual(second.names, ["three:e"]);
    second.end();
    first.end();
    const third = await next();
    assert.deepEqual(third.names, ["one:b"]);
    third.end();
    assert.deepEqual((await next()).names, ["one:d"]);
  });

  test("while a taking is quick, nothing is taken beside it, and all that came meanwhile is taken together after it", async () => {
    const { gathering, next } = gatherer(2, { besideAfterMs: 60_000 });
    for (const name of ["a", "b"]) gathering.add(name);
    const first = await next();
    assert.deepEqual(first.names, ["a", "b"]);
    for (const name of ["c", "d", "e"]) gathering.add(name);
    await turns(5);
    first.end();
    assert.deepEqual((await next()).names, ["c", "d", "e"]);
  });

  test("beside a taking that is slow, another one begins, and no third", async () => {
    const { gathering, next } = gatherer(2, { besideAfterMs: 1 });
    gathering.add("slow");
    const slow = await next();
    gathering.add("a");
    const beside = await next();
    assert.deepEqual(beside.names, ["a"]);
    gathering.add("b");
    await turns(5);
    slow.end();
    assert.deepEqual((await next()).names, ["b"]);
    beside.end();
  });

  test("what is not taken in time is given up", async () => {
    const { gathering, next, givenUp } = gatherer(1, { patienceMs: 1 });
    gathering.add("first");
    const first = await next();
    gathering.add("second");
    assert.equal(await givenUp, "second");
    first.end();
  });
});

/** Waits for some turns of the event loop. */
async function turns(count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await new Promise((resolve) => setImmediate(resolve));
}
