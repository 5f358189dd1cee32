import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
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
