import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { Secret } from "../../../src/index.ts";
import { journalText } from "../../../src/oauth/token-set.ts";
import type { ReceivedTokens } from "../../../src/oauth/token-set.ts";
import type { KeeperContext, RescuedAnswer } from "../../../src/vault/keeper/context.ts";
import { keepLateAnswer, lateAnswers, openLateAnswer } from "../../../src/vault/keeper/late-answers.ts";
import { commitRescued } from "../../../src/vault/keeper/refresh/rescued-answers.ts";
import { openRescued, sealForRescue } from "../../../src/vault/keeper/refresh/rescue-journal.ts";
import type { GrantRow } from "../../../src/store/grant-row.ts";
import { virtualKeeper } from "../../faults/virtual-keeper.ts";

/** Two people's grants with one client, and an answer to the first one's refresh. */
async function twoGrants(t: TestContext): Promise<{
  context: KeeperContext;
  types: () => readonly string[];
  ada: GrantRow;
  carl: GrantRow;
  answer: ReceivedTokens;
}> {
  const { context, store, time, addGrants, events } = await virtualKeeper(t, {
    rotation: "strict",
    rate: { perSecond: 9, burst: 9 },
  });
  const [first = "", second = ""] = await addGrants(2, () => time.now());
  const [ada, carl] = [await store.grantById(first), await store.grantById(second)];
  assert.ok(ada !== undefined && carl !== undefined);
  const tokens = { accessToken: new Secret("hers"), refreshToken: new Secret("hers too"), expiresInSeconds: 3_600 };
  return {
    context,
    types: () => events.map(({ type }) => type),
    ada,
    carl,
    answer: { tokens, receivedAt: time.now() },
  };
}

test("a late answer opens beside its own grant, and moved beside another it does not, and an event tells", async (t) => {
  const { context, types, ada, carl, answer } = await twoGrants(t);
  await keepLateAnswer(context, ada, answer);
  const [row] = await context.store.lateAnswersOf(ada.grantId);
  assert.ok(row !== undefined);
  assert.equal(openLateAnswer(context.keyring, ada.clientId, row)?.tokens.refreshToken?.expose(), "hers too");
  assert.equal((await lateAnswers(context, ada)).length, 1);
  await context.store.keepLateAnswer({ ...row, lateAnswerId: "a copy", grantId: carl.grantId });
  await context.store.dropLateAnswer(row.lateAnswerId);
  await context.store.keepLateAnswer({ ...row, grantId: carl.grantId });
  assert.deepEqual(await lateAnswers(context, carl), []);
  assert.deepEqual(
    types().filter((type) => type === "unreadable"),
    ["unreadable", "unreadable"],
  );
});

test("a rescue file that was relabelled with another grant, client or generation is not committed, and stays", async (t) => {
  const { context, ada, carl, answer } = await twoGrants(t);
  const sealed = sealForRescue(context.keyring, ada, answer);
  assert.equal(openRescued(context.keyring, sealed)?.tokens.accessToken?.expose(), "hers");
  for (const label of [{ grantId: carl.grantId }, { recordId: "x" }, { parentGeneration: 2 }, { clientId: "x" }]) {
    const relabelled: RescuedAnswer = { ...sealed, ...label };
    assert.equal(openRescued(context.keyring, relabelled), undefined, JSON.stringify(label));
    const dropped: string[] = [];
    const rescue = {
      ...context.rescue,
      count: () => 1,
      kept: () => [{ name: "a", answer: relabelled }],
      drop: (name: string) => void dropped.push(name),
    };
    assert.equal(await commitRescued({ ...context, rescue }), false);
    assert.deepEqual(dropped, []);
  }
  assert.equal((await context.store.grantById(carl.grantId))?.generation, 1);
});

test("what a version before sealed without its grant is still read: it may be the only copy of a refresh token", async (t) => {
  const { context, ada, answer } = await twoGrants(t);
  const sealed = sealForRescue(context.keyring, ada, answer);
  const { clientId, recordId, parentGeneration: generation } = sealed;
  const text = journalText(answer).expose();
  const place = { clientId, column: "rescue.answer", recordId, generation } as const;
  const before = { ...sealed, answerSealed: context.keyring.seal(text, place) };
  assert.equal(openRescued(context.keyring, before)?.tokens.refreshToken?.expose(), "hers too");
  const late = { lateAnswerId: "late", grantId: ada.grantId, parentGeneration: 1, receivedAt: 1 };
  const latePlace = { clientId, column: "orphans.answer", recordId: "late", generation: 1 } as const;
  const row = { ...late, answerSealed: context.keyring.seal(text, latePlace) };
  assert.equal(openLateAnswer(context.keyring, clientId, row)?.tokens.refreshToken?.expose(), "hers too");
});
