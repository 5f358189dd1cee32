import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import {
  auditStatus,
  generateMasterKey,
  google,
  isOnbehalfError,
  keyStatus,
  keyringFromKeys,
  masterKeyId,
  openVault,
  rotateDataKeys,
  rotateMasterKey,
} from "../../../src/index.ts";
import type { Secret, Store } from "../../../src/index.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { permissions } from "../../../src/vault/http/callers.ts";

describe("rotating the master key", () => {
  test("master key rotation: the new key opens what the old one sealed, and the old one opens nothing any more", async (t) => {
    const [old, next] = [generateMasterKey(), generateMasterKey()];
    const path = await sealedWith(t, old);
    const store = await opened(t, path);

    assert.equal(await rotateMasterKey(store, keyringFromKeys(next, old)), 4);
    const { masterKeys, dataKeys } = await keyStatus(store, keyringFromKeys(next, old));
    assert.deepEqual(
      masterKeys.map(({ masterKeyId: id, wraps }) => [id, wraps]),
      [
        [masterKeyId(next), 4],
        [masterKeyId(old), 0],
      ],
    );
    assert.ok(dataKeys.every((key) => key.opens));
    assert.deepEqual(await namesOf(path, next), ["app"], "the caller's key hash still verifies by the same index key");
    await assert.rejects(namesOf(path, old), (error) => isOnbehalfError(error, "key_invalid"));
  });

  test("master key rotation: a second run finds nothing to do", async (t) => {
    const [old, next] = [generateMasterKey(), generateMasterKey()];
    const store = await opened(t, await sealedWith(t, old));
    await rotateMasterKey(store, keyringFromKeys(next, old));
    assert.equal(await rotateMasterKey(store, keyringFromKeys(next, old)), 0);
    assert.equal(await rotateMasterKey(store, keyringFromKeys(next)), 0);
  });

  test("master key rotation, killed after any number of keys: every key opens, and the next run ends it", async (t) => {
    for (let written = 0; written <= 4; written += 1) {
      const [old, next] = [generateMasterKey(), generateMasterKey()];
      const path = await sealedWith(t, old);
      const store = await opened(t, path);
      let left = written;
      const dying: Store = {
        ...store,
        replaceKey: async (before, after) => {
          if (left === 0) throw new Error("killed");
          left -= 1;
          return store.replaceKey(before, after);
        },
      };
      const both = keyringFromKeys(next, old);
      await rotateMasterKey(dying, both).catch(() => undefined);
      assert.equal((await keyStatus(store, both)).masterKeys[0]?.wraps, written);
      assert.ok((await keyStatus(store, both)).dataKeys.every((key) => key.opens));
      assert.equal(await rotateMasterKey(store, both), 4 - written);
      assert.deepEqual(await namesOf(path, next), ["app"]);
    }
  });

  test("master key rotation: without the key that it was sealed with, nothing is changed", async (t) => {
    const [old, next] = [generateMasterKey(), generateMasterKey()];
    const store = await opened(t, await sealedWith(t, old));
    const before = await store.readKeys();
    await assert.rejects(rotateMasterKey(store, keyringFromKeys(next)), (error) =>
      isOnbehalfError(error, "key_invalid"),
    );
    assert.deepEqual(await store.readKeys(), before);
    const status = await keyStatus(store, keyringFromKeys(next));
    assert.ok(status.dataKeys.every((key) => !key.opens));
    assert.deepEqual(
      status.masterKeys.map(({ masterKeyId: id, given }) => [id, given]),
      [
        [masterKeyId(next), true],
        [masterKeyId(old), false],
      ],
    );
  });

  test("master key rotation: of two runs at once, the winner wraps each key once, and it opens", async (t) => {
    const [old, next] = [generateMasterKey(), generateMasterKey()];
    const path = await sealedWith(t, old);
    const [one, other] = [await opened(t, path), await opened(t, path)];
    const both = keyringFromKeys(next, old);
    const counts = await Promise.all([rotateMasterKey(one, both), rotateMasterKey(other, both)]);
    assert.equal(counts[0] + counts[1], 4);
    assert.deepEqual(await namesOf(path, next), ["app"]);
  });

  test("master key rotation: looking at a store that was never used makes no key in it", async (t) => {
    const store = await opened(t, join(await temporaryFolder(t), "new.db"));
    const key = generateMasterKey();
    assert.deepEqual(await keyStatus(store, keyringFromKeys(key)), {
      masterKeys: [{ masterKeyId: masterKeyId(key), given: true, wraps: 0 }],
      dataKeys: [],
    });
    assert.equal(await rotateMasterKey(store, keyringFromKeys(key)), 0);
    assert.equal(await store.readKeys(), undefined);
  });
});

test("the audit log takes the rows of every change of the keys for its own, whichever kind of key was changed", async (t) => {
  const [old, next] = [generateMasterKey(), generateMasterKey()];
  const path = await sealedWith(t, old);
  const faultsAfter = async (change: (store: Store) => Promise<unknown>): Promise<unknown> => {
    // Opened anew, as each command does: whoever writes the next row was told nothing by the one before.
    const store = await opened(t, path);
    await change(store);
    return (await auditStatus(store, keyringFromKeys(next, old), 100))?.faults;
  };
  assert.deepEqual(await faultsAfter((store) => rotateDataKeys(store, keyringFromKeys(old))), []);
  assert.deepEqual(await faultsAfter((store) => rotateMasterKey(store, keyringFromKeys(next, old))), []);
});

/** A store with one caller in it. */
async function sealedWith(t: TestContext, key: Secret): Promise<string> {
  const path = join(await temporaryFolder(t), "onbehalf.db");
  await using vault = await openVault({
    provider: { ...google({}), client: "none" },
    store: sqlite(path),
    keyring: keyringFromKeys(key),
  });
  const caller = await vault.callers.create("app", { allow: permissions });
  issued.set(path, caller.key);
  return path;
}

const issued = new Map<string, Secret>();

async function opened(t: TestContext, path: string): Promise<Store> {
  const store = sqlite(path);
  await store.open({});
  t.after(() => store.close());
  return store;
}

/** Opens the vault with this key, and lets the caller in with the key it was given before. */
async function namesOf(path: string, key: Secret): Promise<string[]> {
  await using vault = await openVault({
    provider: { ...google({}), client: "none" },
    store: sqlite(path),
    keyring: keyringFromKeys(key),
  });
  return [(await vault.callers.authenticate(`Bearer ${issued.get(path)?.expose() ?? ""}`)).name];
}
