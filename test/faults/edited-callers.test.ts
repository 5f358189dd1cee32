import assert from "node:assert/strict";
import { copyFileSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { isOnbehalfError } from "../../src/index.ts";
import type { Secret, Vault } from "../../src/index.ts";
import type { TestVault } from "../support/test-vault.ts";
import { testVault } from "../support/test-vault.ts";

/** A caller that may do little, and one that may do more. */
async function twoCallers(t: TestContext): Promise<{ fixture: TestVault; narrow: Secret; wide: Secret }> {
  const fixture = await testVault(t);
  const vault = await fixture.open();
  const narrow = await vault.callers.create("narrow", {
    allow: ["proxy"],
    grants: ["ext:user-1"],
    providers: ["google"],
    expiresAt: new Date(fixture.clock.now() + 3_600_000),
  });
  const wide = await vault.callers.create("wide", { allow: ["token", "proxy", "grants:read"] });
  await vault.close();
  return { fixture, narrow: narrow.key, wide: wide.key };
}

function edit(path: string, statements: string): void {
  const file = new DatabaseSync(path, { timeout: 5_000 });
  file.exec(statements);
  file.close();
}

async function isRefused(vault: Vault, key: Secret): Promise<boolean> {
  try {
    await vault.callers.authenticate(`Bearer ${key.expose()}`);
    return false;
  } catch (error) {
    if (isOnbehalfError(error, "unauthorized")) return true;
    throw error;
  }
}

test("a caller's row of which any column was changed by hand is refused, but for when it was heard of", async (t) => {
  const { fixture, narrow } = await twoCallers(t);
  const vault = await fixture.open();
  assert.equal(await isRefused(vault, narrow), false);
  await vault.close();
  const file = new DatabaseSync(fixture.path, { readOnly: true });
  const columns = file.prepare("SELECT name FROM pragma_table_info('callers')").all() as { name: string }[];
  file.close();
  const pristine = `${fixture.path}.pristine`;
  copyFileSync(fixture.path, pristine);
  const forgeries = ["NULL", "x'00'", "'[\"token\"]'", "4000000000000"];
  let tried = 0;
  for (const { name } of columns.filter((each) => each.name !== "last_used_at")) {
    for (const forged of [...forgeries, `(SELECT ${name} FROM callers WHERE name = 'wide')`]) {
      for (const end of ["-wal", "-shm"]) rmSync(`${fixture.path}${end}`, { force: true });
      copyFileSync(pristine, fixture.path);
      const one = new DatabaseSync(fixture.path);
      try {
        const update = `UPDATE callers SET ${name} = ${forged} WHERE name = 'narrow' AND ${name} IS NOT ${forged}`;
        if (one.prepare(update).run().changes === 0) continue;
      } catch {
        // The schema refuses it.
        continue;
      } finally {
        one.close();
      }
      const opened = await fixture.open();
      assert.ok(await isRefused(opened, narrow), `${name} = ${forged}`);
      await opened.close();
      tried += 1;
    }
  }
  assert.ok(tried > 20, `${tried} edits`);
});

test("a revoked key does not come back where its row is made to say that it is not revoked", async (t) => {
  const { fixture, wide } = await twoCallers(t);
  const vault = await fixture.open();
  assert.equal(await vault.callers.revoke("wide"), true);
  await vault.close();
  edit(fixture.path, "UPDATE callers SET revoked_at = NULL");
  const again = await fixture.open();
  assert.ok(await isRefused(again, wide));
});

test("a rotated key keeps its rights, and a row that was widened is not rotated", async (t) => {
  const { fixture } = await twoCallers(t);
  const vault = await fixture.open();
  const { key } = await vault.callers.rotate("wide", { overlapMs: 0 });
  assert.equal(await isRefused(vault, key), false);
  // The note of its use is written meanwhile.
  await vault.callers.settled();
  edit(fixture.path, "UPDATE callers SET grants_sealed = NULL, expires_at = NULL WHERE name = 'narrow'");
  await assert.rejects(vault.callers.rotate("narrow", { overlapMs: 0 }), (error) =>
    isOnbehalfError(error, "invalid_request"),
  );
});

test("callers of an earlier version get their hash at the first opening, once, and an event names them", async (t) => {
  const { fixture, narrow, wide } = await twoCallers(t);
  const { events } = fixture;
  assert.deepEqual(events, []);
  edit(fixture.path, "UPDATE callers SET rights_mac = NULL; DELETE FROM meta WHERE name = 'callers_bound'");
  const vault = await fixture.open();
  assert.deepEqual(events, [{ type: "callers_bound", names: ["narrow", "wide"] }]);
  assert.deepEqual([await isRefused(vault, narrow), await isRefused(vault, wide)], [false, false]);
  await vault.close();
  edit(fixture.path, "UPDATE callers SET rights_mac = NULL");
  const again = await fixture.open();
  assert.deepEqual([await isRefused(again, narrow), await isRefused(again, wide)], [true, true]);
  assert.equal(events.length, 1);
});
