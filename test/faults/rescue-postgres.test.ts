import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import type { Vault, VaultOptions } from "../../src/index.ts";
import { postgres } from "../../src/store/postgres/index.ts";
import type { Store } from "../../src/store/store.ts";
import { expiredGrants } from "../support/expired-grants.ts";
import type { ExpiredGrants } from "../support/expired-grants.ts";
import { errorResponse, faultyPooler, noTenant } from "../support/faulty-pooler.ts";
import type { FaultyPooler, PoolerMood } from "../support/faulty-pooler.ts";
import { emptyDatabase } from "../support/postgres.ts";
import { outcomes, until } from "../support/test-vault.ts";

interface Fixture extends ExpiredGrants {
  readonly database: string;
  readonly pooler: FaultyPooler;
  readonly folder: string;
  rescued(): string[];
  openStrict(store: Store, options?: Partial<VaultOptions>): Promise<Vault>;
}

async function strictGrants(t: TestContext, people = ["ada@example.com"]): Promise<Fixture> {
  const database = await emptyDatabase(t);
  const pooler = await faultyPooler(t, database);
  const fixture = await expiredGrants(t, "strict", { people, where: database });
  const folder = `${fixture.path}-answers`;
  return {
    ...fixture,
    database,
    pooler,
    folder,
    rescued: () => {
      try {
        return readdirSync(folder).filter((name) => name.endsWith(".answer"));
      } catch {
        return [];
      }
    },
    openStrict: (store, options) => fixture.open({ store, rescueFolder: folder, random: () => 0, ...options }),
  };
}

const moods: Readonly<Record<string, PoolerMood>> = {
  "says that there is no such tenant": { says: noTenant },
  "says an error with a code of its own": { says: errorResponse({ S: "ERROR", C: "Z9999", M: "asleep" }) },
  "says an error without a code": { says: errorResponse({ M: "no" }) },
  "answers with a page": { says: Buffer.from("HTTP/1.1 502 Bad Gateway\r\n\r\n") },
  "cuts every connection": "refuses",
};

describe("an answer that a PostgreSQL database could not take", () => {
  for (const [what, mood] of Object.entries(moods)) {
    test(`an answer is stored, and its caller served, where the pooler ${what} while it is on its way`, async (t) => {
      const fixture = await strictGrants(t);
      const { standin, pooler, grantId, clock } = fixture;
      const faults: unknown[] = [];
      const vault = await fixture.openStrict(postgres(pooler.url), { onFault: (error) => void faults.push(error) });
      standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 700 });
      const waiting = vault.getAccessToken(grantId);
      await until(() => standin.log().counts["refreshed"] === 1);
      pooler.become(mood);
      const { token } = await waiting;
      await until(() => fixture.rescued().length === 1);
      for (const name of fixture.rescued()) {
        assert.doesNotMatch(readFileSync(`${fixture.folder}/${name}`, "utf8"), /ya29\.|1\/\/0[\w-]{40}/, "sealed");
      }
      assert.equal((await vault.getAccessToken(grantId)).token, token, "from memory");

      pooler.become("passes");
      await until(() => fixture.rescued().length === 0);
      assert.equal((await vault.grant(grantId)).generation, 2);
      clock.advance(3_700_000);
      assert.match((await vault.getAccessToken(grantId)).token, /^ya29\./, "its refresh token was kept");
      assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 2 });
      assert.deepEqual(faults, []);
    });
  }

  test("another process stores the answers of one whose database is away for good, and no other store's", async (t) => {
    const people = Array.from({ length: 5 }, (_, n) => `person-${n}@example.com`);
    const fixture = await strictGrants(t, people);
    const { standin, pooler, grantIds, folder } = fixture;
    const cutOff = await fixture.openStrict(postgres(pooler.url));
    standin.fault("POST", "/token", { times: grantIds.length, after: "answer", delayMs: 700 });
    const waiting = grantIds.map((grantId) => cutOff.getAccessToken(grantId));
    await until(() => standin.log().counts["refreshed"] === grantIds.length);
    pooler.become({ says: noTenant });
    const tokens = (await Promise.all(waiting)).map(({ token }) => token);
    await until(() => fixture.rescued().length === grantIds.length);

    const stranger = await strictGrants(t);
    const elsewhere = await stranger.openStrict(postgres(stranger.database), { rescueFolder: folder });
    await elsewhere.getAccessToken(stranger.grantId);
    assert.equal(fixture.rescued().length, grantIds.length, "another store's answers are left alone");

    const next = await fixture.openStrict(postgres(fixture.database));
    await until(() => fixture.rescued().length === 0);
    const found = await Promise.all(grantIds.map(async (grantId) => (await next.getAccessToken(grantId)).token));
    assert.deepEqual(found, tokens);
    assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: grantIds.length }, "no used token was sent again");
    // It has not given up, and finds out that all is stored.
    pooler.become("passes");
    await cutOff.close();
  });

  test("an answer is stored whatever the store fails with, and the process goes on", async (t) => {
    const fixture = await strictGrants(t);
    const { grantId, clock } = fixture;
    const store = postgres(fixture.database);
    const odd: readonly unknown[] = [
      new TypeError("a bug"),
      Object.assign(new Error("words"), { severity: "ERROR", code: "23514" }),
      Object.assign(new Error("words"), { code: "ERR_SOMETHING" }),
      "a string",
      undefined,
    ];
    let tries = 0;
    const faults: unknown[] = [];
    const vault = await fixture.openStrict(
      {
        ...store,
        async commitAttempt(...args) {
          tries += 1;
          if (tries <= odd.length) throw odd[tries - 1];
          return store.commitAttempt(...args);
        },
      },
      { onFault: (error) => void faults.push(error) },
    );
    const { token } = await vault.getAccessToken(grantId);
    await until(async () => (await vault.grant(grantId)).generation === 2);
    assert.equal((await vault.getAccessToken(grantId)).token, token);
    assert.equal(faults[0], odd[0], "a person is told");
    await until(() => fixture.rescued().length === 0);
    clock.advance(3_700_000);
    await vault.getAccessToken(grantId);
    assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 2 });
  });

  test("files in the rescue folder that are no answers, or damaged ones, keep none of the others waiting", async (t) => {
    const fixture = await strictGrants(t);
    const { standin, pooler, grantId, folder } = fixture;
    mkdirSync(folder);
    const bytes = Buffer.from("damaged").toString("base64");
    const members = { grantId, clientId: "x", parentGeneration: 1, recordId: "r", answerSealed: bytes };
    const odd = ["", "{}", "[]", "null", JSON.stringify({ ...members, grantId: 1 }), JSON.stringify(members)];
    odd.forEach((text, n) => writeFileSync(`${folder}/${n}.answer`, text));
    const faults: unknown[] = [];
    const cutOff = await fixture.openStrict(postgres(pooler.url));
    standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 700 });
    const waiting = cutOff.getAccessToken(grantId);
    await until(() => standin.log().counts["refreshed"] === 1);
    pooler.become("refuses");
    const { token } = await waiting;
    await until(() => fixture.rescued().length === odd.length + 1);
    const store = postgres(fixture.database);
    const next = await fixture.openStrict(store, { onFault: (error) => void faults.push(error) });
    await until(() => fixture.rescued().length === odd.length);
    assert.equal((await next.getAccessToken(grantId)).token, token);
    assert.deepEqual(faults, []);
    pooler.become("passes");
    await cutOff.close();
  });

  test("listeners of the host that throw keep no answer from being stored", async (t) => {
    const fixture = await strictGrants(t);
    const warnings: string[] = [];
    const noted = (warning: Error): void => void warnings.push(warning.message);
    process.on("warning", noted);
    t.after(() => process.off("warning", noted));
    const vault = await fixture.openStrict(postgres(fixture.database), {
      onEvent: () => {
        throw new Error("the host's own bug");
      },
    });
    await vault.getAccessToken(fixture.grantId);
    assert.equal((await vault.grant(fixture.grantId)).generation, 2);
    await until(() => warnings.some((words) => words.includes("during onEvent")));
    assert.ok(!warnings.join().includes("the host's own bug"), "what it says may hold a token");
  });
});
