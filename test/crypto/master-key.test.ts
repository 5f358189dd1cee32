import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import * as fc from "fast-check";
import {
  generateMasterKey,
  keyringFromEnv,
  keyringFromFile,
  keyringFromKeys,
  masterKeyId,
  masterKeysOf,
  parseMasterKey,
} from "../../src/crypto/master-key.ts";
import type { MasterKeySource } from "../../src/crypto/master-key.ts";
import { isOnbehalfError } from "../../src/core/errors.ts";
import { Secret } from "../../src/core/secret.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const known = "obm_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc_27496506";
const form = /^obm_[A-Za-z0-9_-]{43}_[0-9a-f]{8}$/;

function keyInvalid(error: unknown): boolean {
  return isOnbehalfError(error, "key_invalid");
}

function assertRefused(text: string): void {
  assert.throws(() => parseMasterKey(new Secret(text)), keyInvalid, JSON.stringify(text));
}

async function exposed(source: MasterKeySource): Promise<string[]> {
  return (await source()).map((key) => key.expose());
}

describe("a master key", () => {
  test("a master key is text of 56 characters that can be read back, and never the same twice", () => {
    const keys = Array.from({ length: 100 }, () => generateMasterKey());
    for (const key of keys) {
      assert.match(key.expose(), form);
      assert.equal(key.expose().length, 56);
      assert.match(parseMasterKey(key).id, /^[0-9a-f]{16}$/);
    }
    assert.equal(new Set(keys.map((key) => parseMasterKey(key).id)).size, keys.length);
  });

  test("a master key means the same in every later version of this library", () => {
    const key = parseMasterKey(new Secret(known));
    assert.equal(key.id, "f25f80ece201f1b9");
    assert.equal(
      key.wrappingKey("refresh").toString("hex"),
      "b9783855aa2ddf90067a374e04d43805c65f309b87e029b6a47affb9c9c03856",
    );
    assert.equal(masterKeyId(new Secret(known)), key.id);
  });

  test("a master key gives each class a wrapping key of its own, none of them the key itself or its name", () => {
    const key = parseMasterKey(new Secret(known));
    const all = [key.wrappingKey("refresh"), key.wrappingKey("read"), key.wrappingKey(""), Buffer.alloc(32, 7)];
    assert.equal(new Set(all.map((bytes) => bytes.toString("hex"))).size, 4);
    assert.ok(all.every((bytes) => bytes.length === 32 && !bytes.toString("hex").startsWith(key.id)));
    assert.deepEqual(key.wrappingKey("read"), parseMasterKey(new Secret(known)).wrappingKey("read"));
  });

  test("a master key is refused with any one character mistyped", () => {
    const alphabet = "ABCXYZabcxyz0189_-+/= ".split("");
    for (let at = 0; at < known.length; at++) {
      for (const letter of alphabet) {
        if (letter === known[at]) continue;
        assertRefused(known.slice(0, at) + letter + known.slice(at + 1));
      }
    }
  });

  test("a master key is refused cut, lengthened, doubled, with neighbours swapped or with blanks around it", () => {
    for (let length = 0; length < known.length; length++) {
      assertRefused(known.slice(0, length));
      assertRefused(known.slice(length + 1));
    }
    const generated = generateMasterKey().expose();
    for (let at = 0; at + 1 < generated.length; at++) {
      const [one = "", two = ""] = generated.slice(at, at + 2);
      if (one !== two) assertRefused(generated.slice(0, at) + two + one + generated.slice(at + 2));
    }
    for (const wrong of [`${known} `, ` ${known}`, `${known}\n`, known + known, known.toUpperCase(), `"${known}"`]) {
      assertRefused(wrong);
    }
  });

  test("a master key is refused with other text, and the refusal does not repeat the text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(form)), (text) => {
        assertRefused(text);
      }),
    );
    try {
      parseMasterKey(new Secret(`${known.slice(0, -1)}0`));
      assert.fail("accepted");
    } catch (error) {
      assert.ok(!inspect(error, { depth: null }).includes(known.slice(4, 20)));
    }
  });
});

describe("keyringFromEnv", () => {
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ["one key", "a", ["a"]],
    ["newest first, by commas", "new,old", ["new", "old"]],
    ["blanks and lines between", " new ,\n old\t", ["new", "old"]],
  ];
  for (const [name, value, keys] of cases) {
    test(`keyringFromEnv reads ${name}`, async () =>
      assert.deepEqual(await exposed(keyringFromEnv("KEY", { KEY: value })), keys));
  }

  for (const environment of [{}, { KEY: "" }, { KEY: " , \n" }, { KEY: undefined }]) {
    test(`keyringFromEnv says which variable has none: ${inspect(environment)}`, async () => {
      await assert.rejects(
        async () => keyringFromEnv("KEY", environment)(),
        (error: Error) => keyInvalid(error) && error.message.includes("KEY"),
      );
    });
  }

  test("keyringFromEnv looks only when it is asked, and into the process's environment where no other is given", async (t) => {
    const name = "ONBEHALF_TEST_MASTER_KEY";
    const source = keyringFromEnv(name);
    t.after(() => delete process.env[name]);
    process.env[name] = "set-later";
    assert.deepEqual(await exposed(source), ["set-later"]);
  });
});

describe("keyringFromFile", () => {
  const contents: readonly (readonly [string, string, readonly string[]])[] = [
    ["one line", "a\n", ["a"]],
    ["no line end", "a", ["a"]],
    ["several lines, newest first", "new\nold\n", ["new", "old"]],
    ["Windows' line ends and byte order mark", "\uFEFFnew\r\nold\r\n", ["new", "old"]],
  ];
  for (const [name, content, keys] of contents) {
    test(`keyringFromFile reads ${name}`, async (t) => {
      const path = join(await temporaryFolder(t), "key");
      await writeFile(path, content);
      assert.deepEqual(await exposed(keyringFromFile(path)), keys);
    });
  }

  test("keyringFromFile says of a file that is missing, empty or a folder that it is, with its path", async (t) => {
    const folder = await temporaryFolder(t);
    const [missing, empty, inside] = ["missing", "empty", "inside"].map((name) => join(folder, name));
    assert.ok(missing !== undefined && empty !== undefined && inside !== undefined);
    await writeFile(empty, "\n");
    await mkdir(inside);
    for (const path of [missing, empty, inside]) {
      await assert.rejects(
        async () => keyringFromFile(path)(),
        (error: Error) => keyInvalid(error) && error.message.includes(path),
      );
    }
  });
});

describe("the arguments of master key sources", () => {
  const nobody: readonly unknown[] = [undefined, null, 7, "", [], {}, true];
  for (const argument of nobody) {
    test(`a master key source names its argument where that is ${inspect(argument)}`, async () => {
      for (const [source, parameter] of [
        [keyringFromEnv(argument as string), "name"],
        [keyringFromFile(argument as string), "path"],
        [argument as MasterKeySource, "keyring"],
      ] as const) {
        await assert.rejects(
          async () => masterKeysOf(source),
          (error) => isOnbehalfError(error, "invalid_request") && error.details.parameter === parameter,
        );
      }
    });
  }

  test("a source that gives no list of keys is refused by what it gives, and the gift is not repeated", async () => {
    const gifts: readonly unknown[] = [1, undefined, null, known, new Secret(known), { keys: [known] }, new Map()];
    for (const gift of gifts) {
      for (const source of [() => gift, async () => gift] as MasterKeySource[]) {
        await assert.rejects(
          async () => masterKeysOf(source),
          (error) =>
            isOnbehalfError(error, "configuration_invalid") &&
            error.message.startsWith("keyring must give a list of master keys, and gave ") &&
            !error.message.includes(known),
        );
      }
    }
    for (const inside of [[7], [null], [undefined], [[known]], [{}]]) {
      await assert.rejects(async () => masterKeysOf((() => inside) as unknown as MasterKeySource), keyInvalid);
    }
  });
});

describe("master keys from wherever", () => {
  test("master keys with something around them are refused by that name, and where they stand", async (t) => {
    const key = generateMasterKey().expose();
    const path = join(await temporaryFolder(t), "key.txt");
    const variable = (text: string): MasterKeySource => keyringFromEnv("KEY", { KEY: text });
    const file = (text: string | Uint8Array): MasterKeySource => {
      return async () => {
        await writeFile(path, text);
        return keyringFromFile(path)();
      };
    };
    const rows: readonly (readonly [MasterKeySource, RegExp])[] = [
      [variable(`"${key}"`), /stands in quotes, in environment variable KEY$/],
      [variable(`'${key}'`), /stands in quotes/],
      [variable(`"${key},${key}"`), /stands in quotes/],
      [variable("${MASTER_KEY}"), /has a variable in it that was not replaced, in environment variable KEY$/],
      [variable(`${key}\u200B`), /has an invisible character in it/],
      [variable("changeme"), /is a placeholder/],
      [variable(key.slice(1)), /is malformed or a damaged copy$/],
      [file(`"${key}"\r\n`), /stands in quotes, in the key file /],
      [file(Buffer.from(`\uFEFF${key}\r\n`, "utf16le")), /is not UTF-8 text, in the key file /],
      [keyringFromKeys(`"${key}"`), /stands in quotes$/],
      [keyringFromKeys(undefined as never), /is not a text$/],
    ];
    for (const [source, message] of rows) {
      await assert.rejects(
        async () => masterKeysOf(source),
        (error) => {
          assert.ok(isOnbehalfError(error, "key_invalid"), String(error));
          assert.match(error.message, message);
          assert.ok(!JSON.stringify([error.message, error.hint]).includes(key.slice(6, 30)), "it shows the key");
          return true;
        },
      );
    }
    for (const source of [file(`\uFEFF${key}\r\n`), file(`${key}\r\n${key}\r\n`), variable(` ${key}\n`)]) {
      assert.ok((await masterKeysOf(source)).length > 0, "marks and line ends of editors do no harm");
    }
  });

  test("master keys come from the program, wrapped or not", async () => {
    assert.deepEqual(await exposed(keyringFromKeys("a", new Secret("b"))), ["a", "b"]);
  });

  test("master keys are read in their order, and all of them or none", async () => {
    const [one, two] = [generateMasterKey(), generateMasterKey()];
    const keys = await masterKeysOf(keyringFromKeys(one, two));
    assert.deepEqual(
      keys.map(({ id }) => id),
      [masterKeyId(one), masterKeyId(two)],
    );
    await assert.rejects(masterKeysOf(keyringFromKeys(one, "obm_typo")), keyInvalid);
    await assert.rejects(masterKeysOf(keyringFromKeys()), keyInvalid);
  });

  test("master keys may come late, as from a key service", async () => {
    const [key] = await masterKeysOf(async () => [new Secret(known)]);
    assert.equal(key.id, "f25f80ece201f1b9");
  });
});
