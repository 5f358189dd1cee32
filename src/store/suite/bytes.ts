import { equal } from "node:assert/strict";
import { describe, test } from "node:test";
import type { SuiteStores } from "./suite-stores.ts";
import { bytes, read, same, save } from "./rows.ts";

/** A sealed value that changes by one bit on its way does not open again. */
export function byteTests(stores: SuiteStores): void {
  describe("values", () => {
    test("bytes are stored unchanged: none, all 256 values, 100,000 of them, and a part of a larger array", async (t) => {
      const [store, other] = await stores.openPair(t);
      const every = Uint8Array.from({ length: 256 }, (_, n) => n);
      for (const value of [new Uint8Array(0), every, new Uint8Array(100_000).fill(0xa5), every.subarray(7, 77)]) {
        const { grantId } = await save(store, { profileSealed: value, refreshSealed: value });
        const { profileSealed, refreshSealed } = await read(other, grantId);
        same([profileSealed, refreshSealed], [value, value]);
      }
    });

    test("two hashes that differ in their last bit are two subjects", async (t) => {
      const store = await stores.open(t);
      const hash = (last: number): Uint8Array => Uint8Array.from([...bytes("\0hash of somebody"), last]);
      await save(store, { subjectHash: hash(0) });
      const row = await save(store, { subjectHash: hash(1) });
      same(await store.grantsBySubject(hash(1)), [row]);
    });

    test("text is stored unchanged: quotes, line ends, question marks, dollars, colons and every script", async (t) => {
      const store = await stores.open(t);
      const scope = `it's "quoted" \\ ? ?? $1 $$ :name @p %s \n\t— 漢字 🗝️ ü`;
      const { grantId } = await save(store, { scope, lastError: scope });
      const row = await read(store, grantId);
      equal(row.scope, scope);
      equal(row.lastError, scope);
    });

    test("numbers are stored with every digit, up to the largest safe integer", async (t) => {
      const store = await stores.open(t);
      const { grantId } = await save(store, { updatedAt: Number.MAX_SAFE_INTEGER, failures: 0, retryAt: 1 });
      const { updatedAt, failures, retryAt, lastErrorAt } = await read(store, grantId);
      same(
        { updatedAt, failures, retryAt, lastErrorAt },
        {
          updatedAt: Number.MAX_SAFE_INTEGER,
          failures: 0,
          retryAt: 1,
          lastErrorAt: null,
        },
      );
    });
  });
}
