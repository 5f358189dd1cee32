/** The simulator as a test: the refresh protocol through some schedules of fixed seeds, and the trace that explains one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { simulate } from "../../tools/simulator/simulate.ts";
import { columns, traceHead } from "../../tools/simulator/trace.ts";
import { tally } from "../../tools/simulator/worker.ts";

test("the refresh protocol keeps its promises in each of 1,500 simulated orders of events", async () => {
  // Fixed, so that a failure stays a failure; `npm run simulate` takes new ones.
  const { ends, restored, violated, examples } = await tally(20_261_122, 1_500);
  assert.deepEqual(examples, [], `npm run simulate -- --trace ${examples[0]?.seed} shows the first one`);
  assert.equal(violated, 0);
  // A simulator in which nothing goes wrong would prove nothing.
  assert.ok(ends.lapsed > 50, `${ends.lapsed} grants lapsed`);
  assert.ok(ends.revoked > 50, `${ends.revoked} grants were revoked`);
  assert.ok(ends.served > 500, `${ends.served} grants were served`);
  assert.ok(restored > 100, `${restored} stores were restored`);
});

test("a simulator's trace explains each of its columns, and each line of it fits them", async () => {
  const [legend = "", names = ""] = traceHead().split("\n\n");
  assert.deepEqual(
    names.split(/ +/),
    columns.map(({ name }) => name),
  );
  for (const { name } of columns) assert.match(legend, new RegExp(`^ {2}${name} +[^ ].{10,}$`, "m"));

  const starts = columns.map((_, n) => columns.slice(0, n).reduce((sum, { width }) => sum + width + 2, 0));
  for (let seed = 1; seed <= 60; seed++) {
    await simulate(seed, (line) => {
      for (const start of starts.slice(1)) assert.equal(line.slice(start - 2, start), "  ", line);
    });
  }
});

test("a simulated schedule takes the same course for the same seed, traced or not", async () => {
  const lines: string[] = [];
  const traced = await simulate(42, (line) => lines.push(line));
  const again: string[] = [];
  assert.deepEqual(await simulate(42, (line) => again.push(line)), traced);
  assert.deepEqual(again, lines);
  assert.deepEqual(await simulate(42), traced);
});
