import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fixedClock, generateMasterKey, isOnbehalfError, keyringFromKeys, oidc, openVault } from "../../src/index.ts";
import type { VaultOptions } from "../../src/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";

const provider = oidc({ name: "example", issuer: "https://issuer.example", clientId: "app", clientSecret: "secret" });

const good: VaultOptions = {
  provider,
  store: sqlite("never-made.db"),
  keyring: keyringFromKeys(generateMasterKey()),
  keeper: "process",
};

/** What is wrong with options, as they are refused. No process is started for them. */
async function problemsOf(options: object): Promise<readonly string[]> {
  try {
    await using _vault = await openVault({ ...good, ...options });
  } catch (error) {
    assert.ok(isOnbehalfError(error, "configuration_invalid"), String(error));
    return error.details.problems;
  }
  return assert.fail("it was opened");
}

describe("a keeper's process is given data alone", () => {
  for (const [name, options, problem] of [
    ["fetch", { fetch: globalThis.fetch }, /^fetch sends requests in this process alone/],
    ["a clock", { clock: fixedClock("2026-11-22T00:00:00Z") }, /^clock tells the time in this process alone/],
    ["random", { random: () => 0 }, /^random gives random numbers in this process alone/],
    ["a store in memory", { store: sqlite(":memory:") }, /^store is in the memory of this process/],
    [
      "a store that was changed",
      { store: { ...sqlite("x.db"), ping: async () => undefined } },
      /^store is one that only/,
    ],
    ["a store behind a proxy", { store: new Proxy(sqlite("x.db"), {}) }, /^store is one that only/],
    [
      "a function in a provider's record",
      { provider: { ...provider, extra: () => 1 } },
      /^provider example holds a func/,
    ],
    ["another word", { keeper: "thread" }, /^keeper must say where refresh tokens are opened/],
    ["null", { keeper: null }, /^keeper must say/],
    ["a keeper without its verbs", { keeper: {} }, /^keeper must say/],
    ["a program that is no file", { keeperProgram: 5 }, /^keeperProgram must be the file/],
    ["a program that would not run", { keeperProgram: "x.js", keeper: undefined }, /^keeperProgram is of use with/],
    ["an option that is misspelt", { keepers: "process" }, /^keepers is no option/],
  ] as const) {
    test(`keeper: "process" with ${name} is refused, and says why`, async () => {
      const problems = await problemsOf(options);
      assert.equal(problems.length, 1, problems.join());
      assert.match(problems[0] ?? "", problem);
    });
  }

  test("everything that cannot be given to a keeper's process is named at once", async () => {
    const problems = await problemsOf({
      fetch: globalThis.fetch,
      clock: fixedClock("2026-11-22T00:00:00Z"),
      store: sqlite(":memory:"),
    });
    assert.deepEqual(
      problems.map((problem) => problem.split(" ")[0]),
      ["fetch", "clock", "store"],
    );
  });

  test('keeper: "in-process" is the default by its name, and takes what runs in this process', async () => {
    await using vault = await openVault({
      ...good,
      keeper: "in-process",
      store: sqlite(":memory:"),
      clock: fixedClock("2026-11-22T00:00:00Z"),
    });
    assert.deepEqual(await vault.grants(), { grants: [] });
  });
});
