import assert from "node:assert/strict";
import { test } from "node:test";
import { array, asyncProperty, assert as check, constantFrom, oneof, record } from "fast-check";
import { systemClock } from "../../../src/core/clock.ts";
import { postgres } from "../../../src/store/postgres/index.ts";
import type { Store } from "../../../src/store/store.ts";
import { begin, bytes, grant, intake, read, tokens, unique } from "../../../src/store/suite/rows.ts";
import { ModelStore } from "../../../tools/model-store.ts";
import { emptyDatabase } from "../../support/postgres.ts";
import { asStore } from "../steps.ts";

/** What is done to one grant, and to the code that it comes from. Each returns what a caller would see of it. */
const steps: Readonly<Record<string, (store: Store, subject: Subject, n: number) => Promise<unknown>>> = {
  begin: async (store, { grantId }, n) => {
    const result = await begin(store, grantId, `${grantId} ${n}`);
    return [result.kind, "grant" in result ? [result.grant.generation, result.grant.state] : result];
  },
  commit: (store, { grantId }, n) => store.commitAttempt(grantId, 1, tokens(`${n}`), n),
  "commit the second": (store, { grantId }, n) => store.commitAttempt(grantId, 2, tokens(`${n}`), n),
  end: (store, { grantId }, n) => store.endAttempt(`${grantId} ${n}`, { error: `e${n}`, at: n, retryAt: null }),
  lapse: (store, { grantId }, n) => store.lapse(grantId, 1, "invalid_grant", "invalid_grant", n),
  suspect: (store, { grantId }, n) => store.markSuspect(grantId, n),
  revoke: (store, { grantId }, n) => store.beginRevocation(grantId, n),
  "begin the code": async (store, { codeHash }, n) =>
    (await store.beginIntake(intake({ codeHash, contextSealed: bytes(`context ${n}`) }), n)).kind,
  journal: (store, { codeHash }, n) => store.journalAnswer(codeHash, bytes(`answer ${n}`), bytes(`context ${n}`)),
  reject: (store, { codeHash }, n) => store.rejectIntake(codeHash, `rejection ${n}`, n),
  save: (store, { grantId, codeHash }, n) =>
    store.saveFromIntake(grant({ grantId, ...tokens(`${n}`), updatedAt: n }), null, codeHash),
};

interface Subject {
  readonly grantId: string;
  readonly codeHash: Uint8Array;
  readonly isSaved: boolean;
  /** What is done to it, and by which of two processes. */
  readonly work: readonly { readonly name: string; readonly by: number }[];
}

function workOf(...names: readonly string[]) {
  // Most by one process, which shares its commits.
  return array(record({ name: constantFrom(...names), by: constantFrom(0, 0, 0, 1) }), { minLength: 2, maxLength: 4 });
}

const subjects = array(
  record({
    isSaved: constantFrom(true, true, true, false),
    work: oneof(
      workOf("begin", "commit", "commit the second", "end", "lapse", "revoke"),
      workOf("begin the code", "journal", "reject", "save"),
      workOf(...Object.keys(steps)),
    ),
  }),
  { minLength: 2, maxLength: 12 },
);

test("whatever two processes do at once to PostgreSQL, each grant and code is as if one thing was done after another", async (t) => {
  const url = await emptyDatabase(t);
  const stores = [postgres({ connectionString: url, poolSize: 2 }), postgres(url)] as const;
  for (const store of stores) {
    t.after(() => store.close());
    await store.open({ clock: systemClock });
  }
  await check(
    asyncProperty(subjects, async (drawn) => {
      const all = drawn.map((each): Subject => ({ ...each, grantId: unique("g_"), codeHash: bytes(unique("code ")) }));
      const [one] = stores;
      await Promise.all(all.filter(({ isSaved }) => isSaved).map((subject) => prepare(one, subject)));
      const results = await Promise.all(
        all.map((subject) =>
          Promise.all(subject.work.map(async ({ name, by }, n) => steps[name]?.(stores[by] ?? one, subject, n))),
        ),
      );
      for (const [at, subject] of all.entries()) {
        const seen = { results: results[at], left: await leftOf(one, subject) };
        const orders = permutations(subject.work.map((_, n) => n));
        const serial = await Promise.all(orders.map((order) => inOrder(subject, order)));
        const told = `${JSON.stringify(subject.work)} gave ${textOf(seen)}, which no order of them gives`;
        assert.ok(serial.map(textOf).includes(textOf(seen)), told);
      }
    }),
    { numRuns: Number(process.env["INTERLEAVINGS"] ?? 25) },
  );
});

async function prepare(store: Store, { grantId }: Subject): Promise<void> {
  assert.ok(await store.saveFromIntake(grant({ grantId }), null, bytes(`first of ${grantId}`)));
}

/** What the model comes to when the steps are done one after another. */
async function inOrder(subject: Subject, order: readonly number[]): Promise<unknown> {
  // The steps use nothing that the model has not.
  const model = asStore(new ModelStore()) as Store;
  if (subject.isSaved) await prepare(model, subject);
  const results: unknown[] = subject.work.map(() => undefined);
  for (const n of order) results[n] = await steps[subject.work[n]?.name ?? ""]?.(model, subject, n);
  return { results, left: await leftOf(model, subject) };
}

/** What is left in a store of a grant, its attempt and its code. */
async function leftOf(store: Store, { grantId, codeHash, isSaved, work }: Subject): Promise<unknown> {
  const isThere = isSaved || (await store.grantById(grantId)) !== undefined;
  const attempts = (await store.attempts()).filter((each) => each.grantId === grantId);
  return {
    grant: isThere ? await read(store, grantId) : undefined,
    attempts: attempts.map(({ attemptId, generation }) => [attemptId, generation]),
    code: work.length > 0 ? await store.intakeByCode(codeHash) : undefined,
  };
}

function permutations(numbers: readonly number[]): number[][] {
  if (numbers.length < 2) return [[...numbers]];
  return numbers.flatMap((first) =>
    permutations(numbers.filter((each) => each !== first)).map((rest) => [first].concat(rest)),
  );
}

/** As text, with members in one order, and without times of the database's own clock. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (key, each: unknown) => {
    if (key === "startedAt" || key === "now") return undefined;
    if (each instanceof Uint8Array) return Buffer.from(each).toString("latin1");
    if (typeof each !== "object" || each === null || Array.isArray(each)) return each;
    return Object.fromEntries(Object.entries(each).sort(([one], [other]) => (one < other ? -1 : 1)));
  });
}
