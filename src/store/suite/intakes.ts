import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import type { Store } from "../store.ts";
import type { IntakeRow } from "../intake-store.ts";
import { suiteTime } from "./suite-stores.ts";
import type { SuiteStores } from "./suite-stores.ts";
import { bytes, grant, intake, owner, same } from "./rows.ts";

export function intakeTests(stores: SuiteStores): void {
  describe("intakes", () => {
    test("a code's intake begins once; later calls return what is known of the code", async (t) => {
      const [store, other] = await stores.openPair(t);
      const code = intake();
      deepEqual(await store.beginIntake(code, suiteTime), { kind: "begun" });
      const row = {
        ...code,
        state: "spending",
        answerSealed: null,
        grantId: null,
        resultMac: null,
        assertionSealed: null,
        rejection: null,
        startedAt: suiteTime,
        endedAt: null,
        heldUntil: null,
      };
      same(await other.beginIntake({ ...code, owner: owner("second") }, suiteTime + 1), {
        kind: "known",
        intake: row,
      });
      same(await other.openIntakes(), [row]);
      same(await other.intakeByCode(code.codeHash), row);
      equal(await other.intakeByCode(bytes("a hash of no code")), undefined);
    });

    test("of forty callers that bring one code at once, one may spend it", async (t) => {
      const [store, other] = await stores.openPair(t);
      const code = intake();
      const begun = await Promise.all(
        Array.from({ length: 40 }, (_, n) =>
          (n % 2 === 0 ? store : other).beginIntake({ ...code, owner: owner(`caller ${n}`) }, suiteTime),
        ),
      );
      equal(begun.filter(({ kind }) => kind === "begun").length, 1);
    });

    test("an answer that has become a grant is not brought in once more", async (t) => {
      const store = await stores.open(t);
      const code = intake();
      await store.beginIntake(code, suiteTime);
      equal(await store.journalAnswer(code.codeHash, bytes("answer"), bytes("context")), true);
      equal(await store.saveFromIntake(grant(), null, code.codeHash), true);
      const done = await known(store, code);
      equal(await store.journalAnswer(code.codeHash, bytes("answer"), bytes("context")), true);
      deepEqual(await known(store, code), done);
    });

    test("an answer that has become a grant is put over no newer generation of it, by whoever still holds it", async (t) => {
      const [store, other] = await stores.openPair(t);
      const code = intake();
      await store.beginIntake(code, suiteTime);
      await store.journalAnswer(code.codeHash, bytes("answer"), bytes("context"));
      const stored = grant();
      equal(await store.saveFromIntake(stored, null, code.codeHash), true);
      const done = await known(store, code);
      const over = { ...stored, generation: 2, refreshSealed: bytes("used") };
      equal(await other.saveFromIntake(over, stored, code.codeHash), false);
      same(await store.grantById(stored.grantId), stored);
      same(await known(store, code), done);
      equal(
        await store.saveFromIntake(over, stored, code.codeHash, undefined, bytes("result"), { isAgain: true }),
        true,
      );
      same((await store.grantById(stored.grantId))?.refreshSealed, bytes("used"));
    });

    test("a dead owner's intake is taken over once, even while the clock stands still", async (t) => {
      const [store, other] = await stores.openPair(t);
      const code = intake();
      await store.beginIntake(code, suiteTime);
      const startedAt = suiteTime;
      const wrong = await other.beginIntake({ ...code, owner: owner("heir") }, suiteTime, { startedAt: startedAt - 1 });
      equal(wrong.kind, "known");
      const heirs = await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          (n % 2 === 0 ? store : other).beginIntake({ ...code, owner: owner(`heir ${n}`) }, suiteTime, { startedAt }),
        ),
      );
      equal(heirs.filter(({ kind }) => kind === "begun").length, 1);
      const heir = heirs.findIndex(({ kind }) => kind === "begun");
      const { owner: holder } = await known(store, code);
      deepEqual(holder, owner(`heir ${heir}`));
    });

    test("an answer in the journal is taken by one of those who read the same row, even while the clock stands still", async (t) => {
      const [store, other] = await stores.openPair(t);
      const code = intake();
      await store.beginIntake(code, suiteTime);
      const startedAt = suiteTime;
      equal(await store.takeIntake(code.codeHash, owner("heir"), suiteTime, { startedAt }), false);
      await store.journalAnswer(code.codeHash, bytes("answer"), bytes("context"));
      equal(await store.takeIntake(code.codeHash, owner("heir"), suiteTime, { startedAt: startedAt - 1 }), false);
      equal(await store.takeIntake(bytes("unknown"), owner("heir"), suiteTime, { startedAt }), false);
      const taken = await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          (n % 2 === 0 ? store : other).takeIntake(code.codeHash, owner(`heir ${n}`), suiteTime, { startedAt }),
        ),
      );
      equal(taken.filter(Boolean).length, 1);
      const row = await known(store, code);
      deepEqual(row.owner, owner(`heir ${taken.indexOf(true)}`));
      same(row.answerSealed, bytes("answer"));
      equal(row.startedAt, startedAt + 1);
      await store.holdIntake(code.codeHash, bytes("held"), suiteTime + 900_000);
      equal(await store.takeIntake(code.codeHash, owner("late"), suiteTime, { startedAt: startedAt + 1 }), false);
    });

    test("an intake whose answer is in the journal cannot be taken over", async (t) => {
      const [store, other] = await stores.openPair(t);
      const code = intake();
      await store.beginIntake(code, suiteTime);
      equal(await store.journalAnswer(code.codeHash, bytes("answer"), bytes("context")), true);
      const taken = await other.beginIntake(code, suiteTime + 1, { startedAt: suiteTime });
      ok(taken.kind === "known");
      equal(taken.intake.state, "answered");
      same(taken.intake.answerSealed, bytes("answer"));
      equal((await store.openIntakes()).length, 1);
      equal(await store.journalAnswer(bytes("unknown"), bytes("answer"), bytes("context")), false);
    });

    test("an intake that has ended gives the same result until it is swept", async (t) => {
      const store = await stores.open(t);
      const [rejected, done] = [intake(), intake()];
      await store.beginIntake(rejected, suiteTime);
      equal(await store.rejectIntake(rejected.codeHash, '{"code":"code_rejected"}', suiteTime + 10), true);
      const row = await known(store, rejected);
      deepEqual([row.state, row.rejection, row.endedAt], ["rejected", '{"code":"code_rejected"}', suiteTime + 10]);
      same(row.contextSealed, bytes(""));
      await store.beginIntake(done, suiteTime);
      await store.saveFromIntake(grant({ updatedAt: suiteTime + 20 }), null, done.codeHash);
      await store.beginIntake(intake(), suiteTime);

      deepEqual((await store.openIntakes()).length, 1);
      equal(await store.sweepIntakes(suiteTime + 10), 0);
      equal(await store.sweepIntakes(suiteTime + 11), 1);
      equal((await store.beginIntake(rejected, suiteTime)).kind, "begun");
      equal((await known(store, done)).state, "done");
      equal(await store.sweepIntakes(suiteTime + 1_000), 1);
      equal((await store.openIntakes()).length, 2, "those that are under way are not swept");
    });

    test("of forty assertions for one code that has become a grant, one is kept, and everybody else learns which", async (t) => {
      const [store, other] = await stores.openPair(t);
      const code = intake();
      await store.beginIntake(code, suiteTime);
      same(await store.keepAssertion(code.codeHash, bytes("too soon")), bytes(""));
      await store.saveFromIntake(grant(), null, code.codeHash);
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? store : other).keepAssertion(code.codeHash, bytes(`${n}`))),
      );
      const first = answers.indexOf(undefined);
      equal(answers.filter((answer) => answer === undefined).length, 1);
      for (const [n, answer] of answers.entries()) if (n !== first) same(answer, bytes(`${first}`));
      same((await known(store, code)).assertionSealed, bytes(`${first}`));
      same(await store.keepAssertion(bytes("a hash of no code"), bytes("x")), bytes(""));
    });

    test("an assertion that nobody may have again is kept as nothing, and stays so", async (t) => {
      const store = await stores.open(t);
      const code = intake();
      await store.beginIntake(code, suiteTime);
      await store.saveFromIntake(grant(), null, code.codeHash);
      equal(await store.keepAssertion(code.codeHash, bytes("")), undefined);
      same(await store.keepAssertion(code.codeHash, bytes("another")), bytes(""));
    });

    test("rejected codes of a time are swept, and no others", async (t) => {
      const store = await stores.open(t);
      const codes = [0, 5, 10, 15].map((after) => ({ after, code: intake() }));
      for (const { after, code } of codes) {
        await store.beginIntake(code, suiteTime);
        await store.rejectIntake(code.codeHash, "{}", suiteTime + after);
      }
      const done = intake();
      await store.beginIntake(done, suiteTime);
      await store.saveFromIntake(grant({ updatedAt: suiteTime + 5 }), null, done.codeHash);
      equal(await store.sweepRejected(suiteTime + 5, suiteTime + 15), 2);
      const left = await Promise.all(codes.map(async ({ code }) => (await store.intakeByCode(code.codeHash))?.state));
      deepEqual(left, ["rejected", undefined, undefined, "rejected"]);
      equal((await store.intakeByCode(done.codeHash))?.state, "done");
    });

    test("more rejected codes than one transaction takes are swept", async (t) => {
      const store = await stores.open(t);
      for (let n = 0; n < 1_100; n++) {
        const code = intake();
        await store.beginIntake(code, suiteTime);
        await store.rejectIntake(code.codeHash, "{}", suiteTime + n);
      }
      equal(await store.sweepRejected(suiteTime, suiteTime + 1_099), 1_099);
      equal(await store.sweepIntakes(suiteTime + 2_000), 1);
    });

    test("an answer that is held becomes no grant, is not rejected or brought in again, and is no work that is open", async (t) => {
      const [store, other] = await stores.openPair(t);
      const code = intake();
      await store.beginIntake(code, suiteTime);
      equal(await store.holdIntake(code.codeHash, bytes("too soon"), suiteTime + 10), false);
      await store.journalAnswer(code.codeHash, bytes("answer"), bytes("context"));
      const holders = await Promise.all([
        store.holdIntake(code.codeHash, bytes("held"), suiteTime + 10),
        other.holdIntake(code.codeHash, bytes("held"), suiteTime + 10),
      ]);
      equal(holders.filter(Boolean).length, 1);
      const held = await known(store, code);
      same([held.state, held.answerSealed, held.heldUntil], ["answered", bytes("held"), suiteTime + 10]);
      equal(await other.saveFromIntake(grant(), null, code.codeHash), false);
      equal(await other.rejectIntake(code.codeHash, "{}", suiteTime + 1), false);
      equal(await other.journalAnswer(code.codeHash, bytes("again"), bytes("context")), true);
      same(await known(other, code), held);
      deepEqual(await store.openIntakes(), []);
      equal(await store.sweepIntakes(suiteTime + 1_000_000), 0);
    });

    test("of many that release a held answer at once, one does, and it is that one's work from then on", async (t) => {
      const [store, other] = await stores.openPair(t);
      const code = intake();
      await store.beginIntake(code, suiteTime);
      await store.journalAnswer(code.codeHash, bytes("answer"), bytes("context"));
      await store.holdIntake(code.codeHash, bytes("held"), suiteTime + 10);
      const released = await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          (n % 2 === 0 ? store : other).releaseIntake(code.codeHash, owner(`releaser ${n}`), bytes(`context ${n}`)),
        ),
      );
      equal(released.filter(Boolean).length, 1);
      const first = released.indexOf(true);
      const [open] = await store.openIntakes();
      deepEqual([open?.owner, open?.heldUntil], [owner(`releaser ${first}`), null]);
      same([open?.contextSealed, open?.answerSealed], [bytes(`context ${first}`), bytes("held")]);
      equal(await store.saveFromIntake(grant(), null, code.codeHash), true);
      equal(await store.releaseIntake(code.codeHash, owner("late"), bytes("late")), false);
    });

    test("answers that are held until before a time are found, those that are due for longest first", async (t) => {
      const store = await stores.open(t);
      const codes = [20, 10, 30].map((after) => ({ after, code: intake() }));
      for (const { after, code } of codes) {
        await store.beginIntake(code, suiteTime);
        await store.journalAnswer(code.codeHash, bytes("answer"), bytes("context"));
        await store.holdIntake(code.codeHash, bytes("held"), suiteTime + after);
      }
      const untils = async (before: number, limit: number): Promise<unknown> =>
        (await store.heldIntakes(suiteTime + before, limit)).map(({ heldUntil }) => (heldUntil ?? 0) - suiteTime);
      deepEqual(await untils(10, 10), []);
      deepEqual(await untils(30, 10), [10, 20]);
      deepEqual(await untils(100, 1), [10]);
    });

    test("a code that was not spent may be brought again", async (t) => {
      const store = await stores.open(t);
      const code = intake();
      await store.beginIntake(code, suiteTime);
      await store.forgetIntake(code.codeHash);
      equal((await store.beginIntake(code, suiteTime)).kind, "begun");
    });

    test("one owner's failure does not erase the answer that another one got for the same code", async (t) => {
      const store = await stores.open(t);
      const code = intake();
      await store.beginIntake(code, suiteTime);
      await store.journalAnswer(code.codeHash, bytes("answer"), bytes("context"));
      await store.forgetIntake(code.codeHash);
      equal(await store.rejectIntake(code.codeHash, "{}", suiteTime + 1, "spending"), false);
      same((await known(store, code)).answerSealed, bytes("answer"));
      equal(await store.rejectIntake(code.codeHash, "{}", suiteTime + 1, "answered"), true);
      equal((await known(store, code)).answerSealed, null);
    });

    test("an answer that comes after its code was rejected is kept, and undoes the rejection", async (t) => {
      const store = await stores.open(t);
      const code = intake();
      await store.beginIntake(code, suiteTime);
      await store.rejectIntake(code.codeHash, "{}", suiteTime + 1);
      equal(await store.journalAnswer(code.codeHash, bytes("late"), bytes("sent with it")), true);
      const row = await known(store, code);
      deepEqual([row.state, row.rejection, row.endedAt], ["answered", null, null]);
      same(row.contextSealed, bytes("sent with it"));
      equal(await store.sweepIntakes(suiteTime + 1_000), 0);
    });

    test("a code that has become a grant cannot be rejected", async (t) => {
      const store = await stores.open(t);
      const code = intake();
      await store.beginIntake(code, suiteTime);
      await store.saveFromIntake(grant(), null, code.codeHash);
      equal(await store.rejectIntake(code.codeHash, "{}", suiteTime + 1), false);
      equal((await known(store, code)).state, "done");
    });
  });
}

async function known(store: Store, code: ReturnType<typeof intake>): Promise<IntakeRow> {
  const begun = await store.beginIntake(code, suiteTime);
  if (begun.kind === "known") return begun.intake;
  throw new Error("the code is not known");
}
