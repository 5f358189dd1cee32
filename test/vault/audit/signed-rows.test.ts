import assert from "node:assert/strict";
import { test } from "node:test";
import {
  generateMasterKey,
  google,
  keyringFromKeys,
  openVault,
  rotateDataKeys,
  rotateMasterKey,
} from "../../../src/index.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

test("what is done to the keys of a store without a vault is in the audit log as the operator's, and leaves it whole", async (t) => {
  const path = `${await temporaryFolder(t)}/onbehalf.db`;
  const [before, after] = [generateMasterKey(), generateMasterKey()];
  const open = (store = sqlite(path)): ReturnType<typeof openVault> =>
    openVault({ provider: { ...google({}), client: "none" }, store, keyring: keyringFromKeys(after, before) });
  await (
    await openVault({
      provider: { ...google({}), client: "none" },
      store: sqlite(path),
      keyring: keyringFromKeys(before),
    })
  ).close();
  const alone = sqlite(path);
  await alone.open({ migrate: false });
  assert.equal(await rotateMasterKey(alone, keyringFromKeys(after, before)), 4);
  assert.deepEqual(await rotateDataKeys(alone, keyringFromKeys(after), { classes: ["read"] }), [5]);
  await alone.close();
  const shared = sqlite(path);
  const vault = await open(shared);
  t.after(() => vault.close());
  // Whose store has a vault over it goes on recording as that vault does.
  await rotateDataKeys(shared, keyringFromKeys(after), { classes: ["refresh"] });
  await vault.callers.create("app", { allow: ["token"] });
  const rows = await vault.audit.list({ limit: 500 });
  assert.deepEqual([...new Set(rows.map(({ caller }) => caller))], ["@store", "@operator", "@library"]);
  assert.equal(rows.filter(({ caller }) => caller === "@store").length, 1);
  assert.equal(rows.at(-1)?.caller, "@library");
  assert.deepEqual((await vault.audit.verify()).faults, []);
});
