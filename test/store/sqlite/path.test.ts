import assert from "node:assert/strict";
import { mkdir, readdir } from "node:fs/promises";
import { describe, test } from "node:test";
import { isOnbehalfError } from "../../../src/core/errors.ts";
import { storeFrom } from "../../../src/service/settings/config.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { sqliteFailure } from "../../../src/store/sqlite/failure.ts";
import { fails } from "../../support/fails.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const wrong: Readonly<Record<string, string>> = {
  "": "no path",
  " ": "white space",
  "x.db ": "white space",
  "x.db\n": "white space",
  "x\n.db": "control character",
  "x\0.db": "control character",
  "file:x.db": "not a URI",
  "FILE:x.db?mode=ro": "not a URI",
  "file:///x.db": "not a URI",
  "sqlite:x.db": "without sqlite:",
  "https://x.example/x.db": "not a URL",
  "libsql://x.example": "not a URL",
  "~/x.db": "a ~",
  "~ada/x.db": "a ~",
  ":memory:?cache=shared": "after :memory:",
  "./x.db?mode=rw": "a ?",
  "./x.db?": "a ?",
  "x.db?immutable=1&mode=ro": "a ?",
  "x.db#main": "a #",
  "my%20store.db": "percent-encoded",
  "%2Fvar%2Fx.db": "percent-encoded",
  "data/": "a folder",
  ".": "a folder",
  "..": "a folder",
  "data/..": "a folder",
};

describe("the path of a SQLite store", () => {
  for (const [path, word] of Object.entries(wrong)) {
    test(`the path ${JSON.stringify(path)} is refused by name, in code and as a setting, and no file is made`, () => {
      assert.throws(() => sqlite(path), fails("configuration_invalid", word));
      // White space around a setting is taken away before it is looked at.
      if (path.trim() !== path || path === "") return;
      assert.throws(() => storeFrom({ store: `sqlite:${path}` }), fails("configuration_invalid", "ONBEHALF_STORE"));
    });
  }

  for (const odd of [undefined, null, 5, new URL("file:///x.db")]) {
    test(`${String(odd)} is refused as the path of a SQLite store`, () => {
      assert.throws(() => sqlite(odd as unknown as string), fails("configuration_invalid", "as a string"));
    });
  }

  test("a setting may have three slashes, as a URL, and no host", async (t) => {
    const folder = await temporaryFolder(t);
    assert.equal(storeFrom({ store: `sqlite://${folder}/x.db` }).location, `${folder}/x.db`);
    assert.equal(storeFrom({ store: `sqlite:${folder}/x.db` }).location, `${folder}/x.db`);
    assert.equal(storeFrom({ store: "sqlite:./x.db" }).location, "./x.db");
    assert.equal(storeFrom({ store: "sqlite::memory:" }).location, ":memory:");
    for (const store of ["sqlite://x.db", "sqlite://localhost/x.db", "sqlite://./x.db", "sqlite:", "sqlite://"]) {
      assert.throws(() => storeFrom({ store }), fails("configuration_invalid", "ONBEHALF_STORE"), store);
    }
    assert.deepEqual(await readdir(folder), []);
  });

  test("a folder in place of a file is called one, as a setting and when it is opened", async (t) => {
    const folder = `${await temporaryFolder(t)}/data`;
    await mkdir(folder);
    assert.throws(() => storeFrom({ store: `sqlite:${folder}` }), fails("configuration_invalid", "is a folder"));
    await assert.rejects(sqlite(folder).open({}), fails("store_unavailable", "is a folder"));
  });

  test("ordinary paths are taken: with spaces, percent signs, umlauts, a colon", async (t) => {
    const folder = await temporaryFolder(t);
    for (const name of ["a store.db", "100%.db", "größe.db", "a:b.db", "x.db.old"]) {
      const store = sqlite(`${folder}/${name}`);
      await store.open({});
      await store.close();
    }
    assert.equal((await readdir(folder)).length, 5);
  });
});

describe("SQLite's result codes", () => {
  const bugs = new Set([1, 18, 19, 20, 21, 25]);
  const unusable = new Set([11, 26]);
  for (let code = 1; code <= 28; code++) {
    test(`SQLite's result code ${code}, with and without more bits, has one meaning`, () => {
      for (const errcode of [code, code | 0x300]) {
        const error = Object.assign(new Error("words"), { code: "ERR_SQLITE_ERROR", errcode });
        const failure = sqliteFailure(error, "x.db");
        if (bugs.has(code)) assert.equal(failure, error);
        else assert.ok(isOnbehalfError(failure, unusable.has(code) ? "store_unusable" : "store_unavailable"));
      }
    });
  }
});
