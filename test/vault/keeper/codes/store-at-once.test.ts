/** A first sign-in whose ID token can be verified with what is in memory: it is stored without the journal, or by way of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { OnbehalfError, isOnbehalfError, movableClock } from "../../../../src/index.ts";
import type { Grant, Vault } from "../../../../src/index.ts";
import type { Store } from "../../../../src/store/store.ts";
import { sqlite } from "../../../../src/store/sqlite/index.ts";
import { rescued } from "../../../support/held-file.ts";
import { outcomes, testVault } from "../../../support/test-vault.ts";
import type { TestVault } from "../../../support/test-vault.ts";

interface Opened {
  readonly fixture: TestVault;
  readonly vault: Vault;
  readonly file: Store;
  /** What is done with a code, in order. Steps that are set in another's place are told as well. */
  readonly steps: string[];
  readonly instead: Partial<Pick<Store, "journalAnswer" | "saveFromIntake">>;
  /** What onFault was told. */
  readonly faults: string[];
}

/** A code whose ID token will have a nonce. */
function codeWith({ standin }: TestVault, email: string, nonce: string): string {
  return standin.code({ email, scope: "openid email", nonce });
}

const away = new OnbehalfError("store_unavailable", "full", { hint: "wait", details: { retryAfterMs: 1 } });

/** A vault that has the provider's keys in memory. */
async function opened(t: TestContext): Promise<Opened> {
  const fixture = await testVault(t, { clock: movableClock() });
  const file = sqlite(fixture.path);
  const steps: string[] = [];
  const instead: Opened["instead"] = {};
  const store: Store = {
    ...file,
    beginIntake(...args) {
      steps.push("begun");
      return file.beginIntake(...args);
    },
    journalAnswer(...args) {
      steps.push("journal");
      return (instead.journalAnswer ?? file.journalAnswer)(...args);
    },
    saveFromIntake(...args) {
      steps.push("grant");
      return (instead.saveFromIntake ?? file.saveFromIntake)(...args);
    },
  };
  const faults: string[] = [];
  const vault = await fixture.open({ store, random: () => 0, onFault: (error) => faults.push(String(error)) });
  await vault.exchangeCode({ code: fixture.code("first@example.com") });
  assert.deepEqual(steps.splice(0), ["begun", "journal", "grant"], "the keys had to be read");
  fixture.newRequests();
  return { fixture, vault, file, steps, instead, faults };
}

async function assertOne({ fixture, vault }: Opened, grant: Grant, email: string): Promise<void> {
  assert.deepEqual([grant.profile.email, grant.generation, grant.offline], [email, 1, true]);
  const { grants } = await vault.grants();
  assert.equal(grants.filter(({ subject }) => subject === grant.subject).length, 1);
  assert.deepEqual(outcomes(fixture.newRequests()), { exchanged: 1 });
  assert.deepEqual(rescued(fixture), []);
}

test("a newcomer's answer is stored in one transaction where the provider's keys are in memory", async (t) => {
  const all = await opened(t);
  const grant = await all.vault.exchangeCode({ code: all.fixture.code("ada@example.com") });
  assert.deepEqual(all.steps, ["begun", "grant"]);
  await assertOne(all, grant, "ada@example.com");
});

test("an answer goes into the journal before anything is asked, where the provider's keys in memory are too old", async (t) => {
  const all = await opened(t);
  all.fixture.clock.advance(90_000_000);
  const grant = await all.vault.exchangeCode({ code: all.fixture.code("ada@example.com") });
  assert.deepEqual(all.steps, ["begun", "journal", "grant"]);
  assert.equal(grant.generation, 1);
});

test("an answer whose ID token does not verify goes into the journal before it is refused, and becomes no grant", async (t) => {
  const all = await opened(t);
  const code = codeWith(all.fixture, "ada@example.com", "theirs");
  await assert.rejects(all.vault.exchangeCode({ code, nonce: "another" }), (error) =>
    isOnbehalfError(error, "id_token_invalid"),
  );
  assert.deepEqual(all.steps, ["begun", "journal"]);
  assert.equal((await all.vault.grants()).grants.length, 1);
});

test("of twenty codes at once, one whose ID token does not verify fails alone", async (t) => {
  const { fixture, vault } = await opened(t);
  const ends = await Promise.allSettled(
    Array.from({ length: 20 }, (_, n) => {
      const code = codeWith(fixture, `person-${n}@example.com`, `of-${n}`);
      return vault.exchangeCode({ code, nonce: n === 11 ? "another" : `of-${n}` });
    }),
  );
  assert.deepEqual(
    ends.map(({ status }) => status),
    ends.map((_, n) => (n === 11 ? "rejected" : "fulfilled")),
  );
});

for (const kind of ["before", "after"] as const) {
  test(`where the store fails ${kind} it has taken a newcomer's grant, the same answer becomes one grant by way of the journal`, async (t) => {
    const all = await opened(t);
    let failed = 0;
    all.instead.saveFromIntake = async (...args) => {
      if (failed++ > 0) return all.file.saveFromIntake(...args);
      if (kind === "after") await all.file.saveFromIntake(...args);
      throw away;
    };
    let kept = 0;
    all.instead.journalAnswer = async (...args) => {
      kept = rescued(all.fixture).length;
      return all.file.journalAnswer(...args);
    };
    const grant = await all.vault.exchangeCode({ code: all.fixture.code("ada@example.com") });
    assert.deepEqual(all.steps, ["begun", "grant", "journal", "grant"]);
    assert.equal(kept, 1, "until it was in the journal, the answer was in the rescue journal");
    await assertOne(all, grant, "ada@example.com");
  });
}

test("a bug on the way without the journal is told, and the answer becomes a grant all the same", async (t) => {
  const all = await opened(t);
  let failed = 0;
  all.instead.saveFromIntake = async (...args) => {
    if (failed++ > 0) return all.file.saveFromIntake(...args);
    throw new TypeError("a bug");
  };
  const grant = await all.vault.exchangeCode({ code: all.fixture.code("ada@example.com") });
  await assertOne(all, grant, "ada@example.com");
  assert.deepEqual(all.faults, ["TypeError: a bug"]);
});

test("of two codes of one newcomer at once, one becomes the grant, and the other its next generation", async (t) => {
  const { fixture, vault } = await opened(t);
  const codes = [fixture.code("ada@example.com"), fixture.code("ada@example.com")];
  const grants = await Promise.all(codes.map((code) => vault.exchangeCode({ code })));
  assert.equal(new Set(grants.map(({ grantId }) => grantId)).size, 1);
  assert.equal((await vault.grants()).grants.length, 2);
  assert.deepEqual(outcomes(fixture.newRequests()), { exchanged: 2 });
});

test("who comes with the same code while its grant is being stored gets that grant, or is refused where the request is another", async (t) => {
  const all = await opened(t);
  const { promise: isStoring, resolve: storing } = Promise.withResolvers<void>();
  const { promise: goesOn, resolve: goOn } = Promise.withResolvers<void>();
  all.instead.saveFromIntake = async (...args) => {
    storing();
    await goesOn;
    return all.file.saveFromIntake(...args);
  };
  const code = all.fixture.code("ada@example.com");
  const first = all.vault.exchangeCode({ code });
  await isStoring;
  const again = all.vault.exchangeCode({ code });
  const another = all.vault.exchangeCode({ code, externalId: "mallory" });
  another.catch(() => undefined);
  goOn();
  assert.equal((await again).grantId, (await first).grantId);
  await assert.rejects(another, (error) => isOnbehalfError(error, "code_rejected"));
  await assertOne(all, await first, "ada@example.com");
});

test("an answer whose code was rejected meanwhile, for another owner's sake, becomes the grant by way of the journal", async (t) => {
  const all = await opened(t);
  let failed = 0;
  all.instead.saveFromIntake = async (...args) => {
    const [, , codeHash] = args;
    if (failed++ === 0) assert.equal(await all.file.rejectIntake(codeHash, "{}", 1, "spending"), true);
    return all.file.saveFromIntake(...args);
  };
  const code = all.fixture.code("ada@example.com");
  const grant = await all.vault.exchangeCode({ code });
  assert.deepEqual(all.steps, ["begun", "grant", "journal", "grant"]);
  await assertOne(all, grant, "ada@example.com");
  assert.equal((await all.vault.exchangeCode({ code })).grantId, grant.grantId, "the same request has the same result");
});

test("a newcomer whose label means another account of the user is told so, and the grant is stored without the label", async (t) => {
  const { fixture, vault, steps } = await opened(t);
  const user = { externalId: "user-1", account: "work" };
  await vault.exchangeCode({ code: fixture.code("ada@example.com"), ...user });
  await assert.rejects(vault.exchangeCode({ code: fixture.code("bob@example.com"), ...user }), (error) =>
    isOnbehalfError(error, "external_id_conflict"),
  );
  assert.deepEqual(steps, ["begun", "grant", "begun", "grant"]);
  const { grants } = await vault.grants();
  assert.equal(grants.filter(({ externalIds }) => externalIds.length > 0).length, 1);
  assert.equal(grants.length, 3);
});
