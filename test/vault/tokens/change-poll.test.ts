/** How often notifications of changes make a process look for them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { paced } from "../../../src/vault/paced.ts";
import { changePollMs, hintPaceMs } from "../../../src/vault/tokens/change-poll.ts";

test("the first notification is followed at once, and those after it by one look a pace", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let looks = 0;
  const { call } = paced(() => (looks += 1), 100);
  call();
  assert.equal(looks, 1, "at once");
  for (let ms = 0; ms < 1_000; ms += 1) {
    call();
    t.mock.timers.tick(1);
  }
  assert.equal(looks, 11, "a thousand of them within a second are ten looks");
});

test("no notification is forgotten: the last of many is followed by a look, and then there is quiet", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let looks = 0;
  const { call } = paced(() => (looks += 1), 100);
  call();
  t.mock.timers.tick(99);
  call();
  t.mock.timers.tick(1);
  assert.equal(looks, 2, "the one that came last was followed");
  t.mock.timers.tick(10_000);
  assert.equal(looks, 2, "nothing looks by itself");
  call();
  assert.equal(looks, 3, "after a rest, at once again");
});

test("after a vault was closed no notification is followed, not even one that was waiting", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let looks = 0;
  const { call, stop } = paced(() => (looks += 1), 100);
  call();
  call();
  stop();
  t.mock.timers.tick(1_000);
  call();
  assert.equal(looks, 1);
});

test("a look that throws is followed by others", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let looks = 0;
  const { call } = paced(() => {
    looks += 1;
    if (looks === 1) throw new Error("the first fails");
  }, 100);
  assert.throws(call);
  t.mock.timers.tick(100);
  call();
  assert.equal(looks, 2);
});

test("a notification is followed sooner than the poll would come, or it would be of no use", () => {
  assert.ok(hintPaceMs < changePollMs);
});
