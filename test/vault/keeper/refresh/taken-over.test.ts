/** An attempt whose owner died is taken over, and the provider's answer to that settles nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Answering } from "../../../faults/virtual-keeper.ts";
import { refresh, virtualKeeper } from "../../../faults/virtual-keeper.ts";

const answers: Readonly<Record<string, Answering>> = {
  "is not reached": () => "no connection",
  "is overloaded": () => Response.json({ error: "temporarily_unavailable" }, { status: 503 }),
  "refuses our client": () => Response.json({ error: "invalid_client" }, { status: 401 }),
};

for (const [name, answer] of Object.entries(answers)) {
  test(`what a dead owner may have used up is still known after the provider ${name}`, async (t) => {
    const fixture = await virtualKeeper(t, { rotation: "strict", rate: { perSecond: 50, burst: 50 } });
    const { time, store, context } = fixture;
    const [id = ""] = await fixture.addGrants(1, () => time.now());
    const owner = { ...context.owner, vault: "dead" };
    await store.beginAttempt({ attemptId: "dead", grantId: id, generation: 1, owner, at: time.now() });
    const heir: typeof context = {
      ...context,
      livenessOf: async ({ vault }) => (vault === "dead" ? "dead" : "mine"),
    };
    fixture.answer = answer;
    await time.until(refresh(heir, id));
    await time.until(time.sleep(60_000));
    fixture.answer = () => Response.json({ error: "invalid_grant" }, { status: 400 });
    await time.until(refresh(heir, id));
    const row = await store.grantById(id);
    assert.deepEqual([row?.state, row?.reason], ["lapsed", "crash_ambiguous_rotation"]);
  });
}
