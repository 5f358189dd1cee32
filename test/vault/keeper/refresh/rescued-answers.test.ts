import assert from "node:assert/strict";
import { test } from "node:test";
import { journalText } from "../../../../src/oauth/token-set.ts";
import { Secret } from "../../../../src/index.ts";
import { commitRescued } from "../../../../src/vault/keeper/refresh/rescued-answers.ts";
import type { KeeperContext, RescuedAnswer } from "../../../../src/vault/keeper/context.ts";
import { openRefreshToken } from "../../../../src/vault/keeper/sealed-tokens.ts";
import { virtualKeeper } from "../../../faults/virtual-keeper.ts";

test("rescued answers: one that has trouble of its own keeps none of the others waiting, and none is lost", async (t) => {
  const { context, store, time, addGrants } = await virtualKeeper(t, {
    rotation: "strict",
    rate: { perSecond: 9, burst: 9 },
  });
  const [damaged = "", unrefreshed = "", healthy = ""] = await addGrants(3, () => time.now());
  const entries = new Map<string, RescuedAnswer>();
  for (const grantId of [damaged, unrefreshed, healthy]) {
    const row = await store.grantById(grantId);
    assert.ok(row !== undefined);
    if (grantId !== healthy) {
      await store.saveFromIntake({ ...row, refreshSealed: Buffer.from("damaged") }, row, new Uint8Array());
    }
    entries.set(grantId, entryFor(context, row, grantId !== unrefreshed));
  }
  // None of the grants' clients is configured just now.
  const rescue = {
    ...context.rescue,
    count: () => entries.size,
    kept: () => [...entries].map(([name, answer]) => ({ name, answer })),
    drop: (name: string) => void entries.delete(name),
  };
  const keeperContext: KeeperContext = { ...context, protocols: new Map(), rescue };
  assert.equal(await commitRescued(keeperContext), true);

  assert.equal(entries.size, 0);
  for (const grantId of [damaged, healthy]) {
    const row = await store.grantById(grantId);
    assert.ok(row !== undefined);
    assert.equal(row.generation, 2);
    assert.equal(openRefreshToken(context.keyring, row)?.expose(), `new-${grantId}`, "what it replaces may be damaged");
  }
  assert.equal((await store.grantById(unrefreshed))?.generation, 1);
  assert.equal((await store.lateAnswersOf(unrefreshed, 1)).length, 1, "kept beside the grant that it cannot go into");
});

function entryFor(
  { keyring, clock }: KeeperContext,
  { grantId, clientId, generation }: { grantId: string; clientId: string; generation: number },
  rotated: boolean,
): RescuedAnswer {
  const tokens = {
    accessToken: new Secret(`access-${grantId}`),
    expiresInSeconds: 3_600,
    ...(rotated ? { refreshToken: new Secret(`new-${grantId}`) } : {}),
  };
  const place = { clientId, column: "rescue.answer", recordId: grantId, generation } as const;
  const answerSealed = keyring.seal(journalText({ tokens, receivedAt: clock.now() }).expose(), place);
  return { grantId, clientId, parentGeneration: generation, recordId: grantId, answerSealed };
}
