/**
 * Another process on the same database, which changes grants that nobody asks for: its arguments are the path of the SQLite file,
 * and the numbers of the first grant to change and of the one after the last. A message says how many a second.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { grantIdOf } from "../../tools/key-rotation/fill.ts";

const [, , path = "", first = "", end = ""] = process.argv;
const store = sqlite(path);
await store.open({ migrate: false });
let perSecond = 0;
let changed = 0;
let begun = 0;
process.on("message", (message: { perSecond: number }) => {
  const rate = changed / ((performance.now() - begun) / 1_000);
  process.send?.({ rate });
  [perSecond, changed, begun] = [message.perSecond, 0, performance.now()];
});
process.send?.({});

let next = Number(first);
for (;;) {
  const due = Math.floor(((performance.now() - begun) / 1_000) * perSecond) - changed;
  if (due <= 0) {
    await sleep(perSecond === 0 ? 50 : 5);
    continue;
  }
  if (!(await store.markSuspect(grantIdOf(next), Date.now()))) throw new Error(`${grantIdOf(next)} did not change`);
  changed += 1;
  next = next + 1 < Number(end) ? next + 1 : Number(first);
}
