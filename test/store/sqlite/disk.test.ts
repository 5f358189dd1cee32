import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { fixedClock } from "../../../src/core/clock.ts";
import { isOnbehalfError } from "../../../src/core/errors.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import type { Store } from "../../../src/store/store.ts";
import { owner, read, same, save, tokens } from "../../../src/store/suite/rows.ts";
import { smallDisk } from "../../support/small-disk.ts";

const clock = fixedClock("2026-11-22T00:00:00Z");

describe("a SQLite file on a disk", () => {
  test("a SQLite file on a full disk takes no attempt, loses nothing, and goes on when there is space again", async (t) => {
    const disk = await smallDisk(t, 2_000);
    if (disk === undefined) return;
    const store = await openStore(t, `${disk.folder}/onbehalf.db`);
    const row = await save(store);
    await store.beginAttempt(attempt(row.grantId, "before"));
    const ballast = `${disk.folder}/ballast`;
    await assert.rejects(writeFile(ballast, new Uint8Array(3_000_000)), { code: "ENOSPC" });

    const standing = new Set(["before"]);
    await assert.rejects(
      writeUntilFull(store, standing),
      (error) => isOnbehalfError(error, "store_unavailable") && /full disk/.test(error.message),
    );
    // What is there can still be read, and what is not there was never promised.
    same(await read(store, row.grantId), row);
    assert.deepEqual(new Set((await store.attempts()).map(({ attemptId }) => attemptId)), standing);

    await rm(ballast);
    assert.equal(await store.commitAttempt(row.grantId, 1, tokens("after"), 1), "active");
    assert.equal((await read(store, row.grantId)).generation, 2);
  });

  test("attempts that share a commit on a disk that fills up: those that were acknowledged stand, and no other does", async (t) => {
    const disk = await smallDisk(t, 6_000);
    if (disk === undefined) return;
    const store = await openStore(t, `${disk.folder}/onbehalf.db`);
    const grants = await Promise.all(
      Array.from({ length: 48 }, () => save(store, { profileSealed: new Uint8Array(4_000) })),
    );
    const standing = new Set<string>();
    const begin = async ({ grantId }: { readonly grantId: string }, round: number): Promise<boolean> => {
      const [attemptId, last] = [`${grantId} ${round}`, `${grantId} ${round - 1}`];
      try {
        const { kind } = await store.beginAttempt(attempt(grantId, attemptId), last);
        assert.equal(kind, "begun");
      } catch (error) {
        assert.ok(isOnbehalfError(error, "store_unavailable") && /full disk/.test(error.message), String(error));
        return false;
      }
      standing.delete(last);
      standing.add(attemptId);
      return true;
    };
    for (const grant of grants) assert.ok(await begin(grant, 0));
    const ballast = `${disk.folder}/ballast`;
    await writeFile(ballast, new Uint8Array(2_000_000));
    // A reader that stays keeps the log from being emptied, so that it grows until the disk is full.
    const reader = new DatabaseSync(`${disk.folder}/onbehalf.db`, { readOnly: true });
    t.after(() => reader.close());
    reader.exec("BEGIN");
    reader.prepare("SELECT COUNT(*) FROM grants").get();
    let begun = grants;
    for (let round = 1; begun.length > 0; round++) {
      const results = await Promise.all(begun.map((grant) => begin(grant, round)));
      begun = begun.filter((_, index) => results[index]);
    }
    assert.deepEqual(new Set((await store.attempts()).map(({ attemptId }) => attemptId)), standing);
    for (const { grantId } of grants) assert.equal((await read(store, grantId)).generation, 1);

    reader.exec("COMMIT");
    await rm(ballast);
    for (const { grantId } of grants) assert.equal(await store.commitAttempt(grantId, 1, tokens("after"), 1), "active");
  });

  test("opening a SQLite file on a read-only disk fails with store_unavailable", async (t) => {
    const disk = await smallDisk(t, 2_000);
    if (disk === undefined) return;
    const path = `${disk.folder}/onbehalf.db`;
    await (await openStore(t, path)).close();
    disk.makeReadOnly();
    await assert.rejects(
      openStore(t, path),
      (error) => isOnbehalfError(error, "store_unavailable") && error.message.includes(path) && error.hint !== "",
    );
  });
});

/** Writes grants and attempts until one cannot be written; `standing` are the attempts that have begun and not ended. */
async function writeUntilFull(store: Store, standing: Set<string>): Promise<void> {
  for (let n = 0; n < 1_000; n++) {
    const { grantId } = await save(store, { profileSealed: new Uint8Array(4_000) });
    const { kind } = await store.beginAttempt(attempt(grantId, `attempt ${n}`));
    assert.equal(kind, "begun");
    standing.add(`attempt ${n}`);
    await store.endAttempt(`attempt ${n}`, { error: "none", at: 1, retryAt: null });
    standing.delete(`attempt ${n}`);
  }
}

function attempt(grantId: string, attemptId: string): Parameters<Store["beginAttempt"]>[0] {
  return { attemptId, grantId, generation: 1, owner: owner(attemptId), at: 0 };
}

async function openStore(t: TestContext, path: string): Promise<Store> {
  const store = sqlite(path);
  t.after(() => store.close());
  await store.open({ clock });
  return store;
}
