import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import {
  generateMasterKey,
  isOnbehalfError,
  keyStatus,
  parseClientSecretJson,
  rotateMasterKey,
} from "../../../src/index.ts";
import { postgres } from "../../../src/store/postgres/index.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";

const nothings: readonly unknown[] = [undefined, null, 7, "x", [], {}, true];

describe("the arguments of verbs beside a vault", () => {
  for (const verb of [keyStatus, rotateMasterKey]) {
    test(`${verb.name} names the argument that is wrong`, async (t) => {
      const store = sqlite(":memory:");
      await store.open({});
      t.after(() => store.close());
      for (const wrong of nothings) {
        await assert.rejects(
          async () => verb(wrong as never, () => [generateMasterKey()]),
          (error) => isOnbehalfError(error, "invalid_request") && error.details.parameter === "store",
          inspect(wrong),
        );
        await assert.rejects(
          async () => verb(store, wrong as never),
          (error) => isOnbehalfError(error, "invalid_request") && error.details.parameter === "keyring",
          inspect(wrong),
        );
      }
    });
  }

  test("parseClientSecretJson names the argument that is no text", () => {
    for (const wrong of [undefined, null, 7, [], {}, true, Buffer.from("{}")]) {
      const calls: readonly (readonly [() => unknown, string])[] = [
        [() => parseClientSecretJson(wrong as never, "client.json"), "text"],
        [() => parseClientSecretJson("{}", wrong as never), "path"],
        ...(wrong === undefined
          ? []
          : [[() => parseClientSecretJson("{}", "client.json", wrong as never), "tokenEndpoint"] as const]),
      ];
      for (const [call, parameter] of calls) {
        assert.throws(
          call,
          (error) => isOnbehalfError(error, "invalid_request") && error.details.parameter === parameter,
        );
      }
    }
  });

  test("sqlite and postgres refuse options that are none, and those that nobody knows", () => {
    const at = "postgres://user@host/database";
    const calls: readonly (readonly [() => unknown, RegExp])[] = [
      [() => sqlite("a.db", null as never), /options of sqlite must be an object/],
      [() => sqlite("a.db", 7 as never), /options of sqlite must be an object/],
      [() => sqlite("a.db", [] as never), /options of sqlite must be an object/],
      [() => sqlite("a.db", { patienceMs: "5" } as never), /^patienceMs must be a number/],
      [() => sqlite("a.db", { patienceMs: -1 }), /^patienceMs must be a number/],
      [() => sqlite("a.db", { patience: 5 } as never), /patience is no option of sqlite/],
      [() => postgres(null as never), /options of postgres must be an object/],
      [() => postgres(undefined as never), /options of postgres must be an object/],
      [() => postgres(7 as never), /options of postgres must be an object/],
      [() => postgres({} as never), /^connectionString must be a text/],
      [() => postgres({ connectionString: 7 } as never), /^connectionString must be a text/],
      [() => postgres({ connectionString: at, directConnectionString: 7 } as never), /^directConnectionString must be/],
      [() => postgres({ connectionString: at, poolSize: 0 }), /^poolSize must be a whole number/],
      [() => postgres({ connectionString: at, poolsize: 3 } as never), /poolsize is no option of postgres/],
    ];
    for (const [call, message] of calls) {
      assert.throws(call, (error) => isOnbehalfError(error, "configuration_invalid") && message.test(error.message));
    }
  });
});
