import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { Secret } from "../../../../src/index.ts";
import { intakeOf, openAnswer, sealCodeForRescue, workIdOf } from "../../../../src/vault/keeper/codes/intake.ts";
import { journalRescued } from "../../../../src/vault/keeper/codes/rescued-codes.ts";
import type { KeeperContext, Rescued, RescuedCodeAnswer } from "../../../../src/vault/keeper/context.ts";
import { commitRescued } from "../../../../src/vault/keeper/refresh/rescued-answers.ts";
import { virtualKeeper } from "../../../faults/virtual-keeper.ts";

interface Scene {
  readonly context: KeeperContext;
  readonly entries: Map<string, Rescued>;
  /** Ends the intake of an answer with a grant. */
  finish(answer: RescuedCodeAnswer): Promise<void>;
  /** Puts the answer to a code into the rescue journal. */
  keep(code: string, receivedAt?: number): RescuedCodeAnswer;
  /** The state of the intake of an answer; undefined where there is none. */
  stateOf(answer: RescuedCodeAnswer): Promise<string | undefined>;
}

async function scene(t: TestContext): Promise<Scene> {
  const { context, addGrants } = await virtualKeeper(t, { rotation: "strict", rate: { perSecond: 9, burst: 9 } });
  const entries = new Map<string, Rescued>();
  const rescue = {
    ...context.rescue,
    count: () => entries.size,
    kept: () => [...entries].map(([name, answer]) => ({ name, answer })),
    drop: (name: string) => void entries.delete(name),
  };
  const [protocol] = context.protocols.values();
  assert.ok(protocol !== undefined);
  return {
    context: { ...context, rescue },
    entries,
    keep(code, receivedAt = context.clock.now()) {
      const request = { code: new Secret(code), scopes: [], redirectUri: "" };
      const intake = intakeOf(context.keyring, protocol, {
        ...request,
        codeVerifier: undefined,
        nonce: undefined,
        externalId: undefined,
        moveExternalId: false,
        isPublic: false,
      });
      const tokens = { accessToken: new Secret("a"), refreshToken: new Secret(`r-${code}`), expiresInSeconds: 60 };
      const answer = sealCodeForRescue(context.keyring, intake, { tokens, receivedAt });
      entries.set(code, answer);
      return answer;
    },
    async finish({ codeHash }) {
      const [grantId = ""] = await addGrants(1, () => context.clock.now());
      const row = (await context.store.grantById(grantId)) ?? assert.fail();
      assert.ok(await context.store.saveFromIntake(row, row, codeHash));
    },
    async stateOf(answer) {
      const open = await context.store.openIntakes();
      return open.find(({ codeHash }) => Buffer.compare(codeHash, answer.codeHash) === 0)?.state;
    },
  };
}

test("a rescued answer to a code is moved into the store's journal, also where the store has forgotten the code", async (t) => {
  const { context, entries, keep, stateOf } = await scene(t);
  const [known, forgotten] = [keep("known"), keep("forgotten")];
  await context.store.beginIntake({ ...known, owner: context.owner }, 1);
  assert.equal(await journalRescued(context), true);
  assert.equal(entries.size, 0);
  assert.equal(context.running.size, 0);
  for (const answer of [known, forgotten]) assert.equal(await stateOf(answer), "answered");
  const row = (await context.store.openIntakes()).at(-1);
  assert.equal(
    openAnswer(context.keyring, row ?? assert.fail())
      ?.tokens.refreshToken?.expose()
      .slice(0, 2),
    "r-",
  );
  assert.equal(await journalRescued(context), false);
});

test("a rescued answer to a code that was stored in the end is dropped, and does not come back over a newer token", async (t) => {
  const { context, entries, keep, finish, stateOf } = await scene(t);
  const [answered, done] = [keep("answered"), keep("done")];
  for (const answer of [answered, done]) {
    await context.store.beginIntake({ ...answer, owner: context.owner }, 1);
    await context.store.journalAnswer(answer.codeHash, answer.answerSealed, answer.contextSealed);
  }
  await finish(done);
  await journalRescued(context);
  assert.equal(entries.size, 0);
  assert.deepEqual([await stateOf(answered), await stateOf(done)], ["answered", undefined], "as they were");
});

test("a rescued answer takes the place of the one whose refresh token was sent for it, and of no later one", async (t) => {
  const { context, entries, keep } = await scene(t);
  const now = context.clock.now();
  for (const [code, storedAt, kept] of [
    ["earlier", now - 60_000, now],
    ["later", now + 60_000, now + 60_000],
  ] as const) {
    const stored = keep(code, storedAt);
    await context.store.beginIntake({ ...stored, owner: { ...context.owner, vault: "dead" } }, 1);
    await context.store.journalAnswer(stored.codeHash, stored.answerSealed, stored.contextSealed);
    const rescued = keep(code, now);
    const dead: KeeperContext = { ...context, livenessOf: async () => "dead" };
    assert.equal(await journalRescued(dead), true);
    assert.equal(entries.size, 0);
    const row = (await context.store.intakeByCode(rescued.codeHash)) ?? assert.fail();
    assert.deepEqual([row.state, openAnswer(context.keyring, row)?.receivedAt], ["answered", kept]);
  }
});

test("a rescued answer to a code is left to its process while that one works on it, and to its own store", async (t) => {
  const { context, entries, keep, stateOf } = await scene(t);
  const mine = keep("mine");
  await context.store.beginIntake({ ...mine, owner: context.owner }, 1);
  context.running.add(workIdOf(mine.codeHash));
  const elsewhere = keep("elsewhere");
  await context.store.beginIntake({ ...elsewhere, owner: { ...context.owner, vault: "another" } }, 1);
  const alive: KeeperContext = {
    ...context,
    livenessOf: async ({ vault }) => (vault === "another" ? "alive" : "mine"),
  };
  const other = await scene(t);
  entries.set("another store's", other.keep("code"));
  assert.equal(await journalRescued(alive), false);
  assert.equal(entries.size, 3);
  for (const answer of [mine, elsewhere]) assert.equal(await stateOf(answer), "spending");

  context.running.clear();
  assert.equal(await journalRescued(context, mine.codeHash), true, "one code alone, for who comes with it");
  assert.deepEqual([...entries.keys()], ["elsewhere", "another store's"]);
});

test("a rescued answer to a code is no refresh's, and a refresh's is no code's", async (t) => {
  const { context, entries, keep } = await scene(t);
  keep("code");
  assert.equal(await commitRescued(context), false);
  assert.equal(entries.size, 1);
  entries.clear();
  const refresh = { grantId: "g_1", clientId: "c", parentGeneration: 1, recordId: "r", answerSealed: Buffer.of(1) };
  entries.set("refresh", refresh);
  assert.equal(await journalRescued(context), false);
  assert.equal(entries.size, 1);
});
