import assert from "node:assert/strict";
import { test } from "node:test";
import { tally } from "../../tools/simulator/worker.ts";

test("the refresh protocol keeps its promises in every order of events", async () => {
  // Fixed, so that a failure stays a failure; `npm run simulate` takes new ones.
  const { ends, bad, examples } = await tally(20_261_122, 1_500);
  assert.deepEqual(examples, [], `npm run simulate -- --trace ${examples[0]?.seed} shows the first one`);
  assert.equal(bad, 0);
  // A simulator in which nothing goes wrong would prove nothing.
  assert.ok(ends.lapsed > 50, `${ends.lapsed} grants lapsed`);
  assert.ok(ends.revoked > 50, `${ends.revoked} grants were revoked`);
  assert.ok(ends.served > 500, `${ends.served} grants were served`);
});
