import { deepEqual, equal } from "node:assert/strict";
import { describe, test } from "node:test";
import { bytes, grant, intake, same, save } from "./rows.ts";
import { suiteTime } from "./suite-stores.ts";
import type { SuiteStores } from "./suite-stores.ts";

export function depositTests(stores: SuiteStores): void {
  describe("deposits", () => {
    test("a deposited token is remembered with its grant, when its intake was swept, too", async (t) => {
      const [store, other] = await stores.openPair(t);
      const token = intake();
      await store.beginIntake(token, suiteTime);
      equal(await other.depositByToken(token.codeHash), undefined);
      const row = grant({ updatedAt: suiteTime + 5 });
      const saved = store.saveFromIntake(row, null, token.codeHash, {}, bytes("mac"), { isDeposit: true });
      equal(await saved, true);
      await store.sweepIntakes(suiteTime + 1_000);
      equal(await store.intakeByCode(token.codeHash), undefined);
      const { grantId } = row;
      const known = { tokenHash: token.codeHash, grantId, resultMac: bytes("mac"), depositedAt: suiteTime + 5 };
      same(await other.depositByToken(token.codeHash), known);
    });

    test("a code that is no deposit is not remembered as one, nor is a deposit that was not stored", async (t) => {
      const store = await stores.open(t);
      const [code, token] = [intake(), intake()];
      const row = grant();
      equal(await store.saveFromIntake(row, null, code.codeHash), true);
      equal(await store.saveFromIntake(row, null, token.codeHash, {}, bytes("mac"), { isDeposit: true }), false);
      equal(await store.depositByToken(code.codeHash), undefined);
      equal(await store.depositByToken(token.codeHash), undefined);
    });

    test("a token whose answer is lost is remembered as such until it becomes a grant, and once it is one, for ever", async (t) => {
      const [store, other] = await stores.openPair(t);
      const token = intake();
      const { codeHash: tokenHash } = token;
      await store.beginIntake(token, suiteTime);
      equal(await store.loseDeposit(tokenHash, suiteTime - 1), false);
      const both = await Promise.all([store, other].map((each) => each.loseDeposit(tokenHash, suiteTime)));
      deepEqual(
        both.toSorted((a, b) => Number(a) - Number(b)),
        [false, true],
        "one of the two has done it, whichever came first",
      );
      same(await other.depositByToken(tokenHash), {
        tokenHash,
        grantId: null,
        resultMac: null,
        depositedAt: suiteTime,
      });
      deepEqual(await store.openIntakes(), []);
      await store.beginIntake(token, suiteTime + 7);
      equal(await store.loseDeposit(tokenHash, suiteTime + 7), true);
      equal((await store.depositByToken(tokenHash))?.depositedAt, suiteTime + 7);
      const row = grant();
      equal(await store.saveFromIntake(row, null, tokenHash, {}, bytes("mac"), { isDeposit: true }), true);
      equal((await store.depositByToken(tokenHash))?.grantId, row.grantId);
      await store.sweepIntakes(suiteTime + 1_000);
      await store.beginIntake(token, suiteTime + 9);
      equal(await store.loseDeposit(tokenHash, suiteTime + 9), true);
      equal((await store.depositByToken(tokenHash))?.grantId, row.grantId);
    });

    test("an answer that came in time is not lost", async (t) => {
      const store = await stores.open(t);
      const token = intake();
      await store.beginIntake(token, suiteTime);
      await store.journalAnswer(token.codeHash, bytes("answer"), bytes("context"));
      equal(await store.loseDeposit(token.codeHash, suiteTime), false);
      equal(await store.depositByToken(token.codeHash), undefined);
      same((await store.intakeByCode(token.codeHash))?.answerSealed, bytes("answer"));
    });

    test("a grant is found by the hash of the refresh token that it holds, and by no other", async (t) => {
      const store = await stores.open(t);
      const row = await save(store, { refreshDigestHash: bytes("a digest") });
      await save(store, { refreshDigestHash: bytes("another") });
      same(await store.grantsByRefreshDigest(bytes("a digest")), [row]);
      deepEqual(await store.grantsByRefreshDigest(bytes("none")), []);
    });
  });
}
