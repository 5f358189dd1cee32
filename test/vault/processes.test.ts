import assert from "node:assert/strict";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { isOnbehalfError, movableClock } from "../../src/index.ts";
import type { Provider } from "../../src/index.ts";
import { house, outcomes, until } from "../support/house.ts";
import type { House } from "../support/house.ts";
import { startVaultProcess } from "../support/vault-processes.ts";

const rotations: readonly (readonly [string, Provider["rotation"], "none" | "grace" | "strict"])[] = [
  ["none", "none", "none"],
  ["grace", { graceSeconds: 30 }, "grace"],
  ["strict", "strict", "strict"],
];

type Rotation = (typeof rotations)[number];

/** A house whose one grant needs a refresh at once; from then on tokens live an hour. Goes by the machine's clock. */
async function houseWithTiredGrant(
  t: TestContext,
  [, rotation, plays]: Rotation,
): Promise<{ home: House; grantId: string }> {
  const home = await house(t, {
    clock: movableClock(),
    rotation: plays,
    revokeFamilyOnReuse: true,
    provider: { rotation },
    accessTokenTtlSeconds: 30,
  });
  const vault = await home.open();
  const { grantId } = await vault.exchangeCode({ code: home.code("ada@example.com") });
  await vault.close();
  home.standin.settings({ accessTokenTtlSeconds: 3_600 });
  home.news();
  return { home, grantId };
}

/** The provider has acted on a refresh, and its answer is still on the way. */
async function acted({ standin }: House): Promise<void> {
  await until(() => standin.log().counts["refreshed"] === 1);
}

/** A row that this query finds is in the file. */
async function stands({ path }: House, query: string): Promise<void> {
  const file = new DatabaseSync(path, { readOnly: true });
  await until(() => file.prepare(query).get() !== undefined);
  file.close();
}

/** Somebody who takes every connection and answers nothing. */
async function deadEnd(t: TestContext): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

for (const rotation of rotations) {
  const [name] = rotation;
  describe(`several processes on one file, rotation ${name}`, () => {
    test("refresh an expired grant once, and serve everybody the same token", async (t) => {
      const { home, grantId } = await houseWithTiredGrant(t, rotation);
      const processes = await Promise.all(Array.from({ length: 3 }, () => startVaultProcess(t, home)));
      home.standin.fault("POST", "/token", { times: 1, delayMs: 200 });
      const tokens = (await Promise.all(processes.map((each) => each.tokens(grantId, 50)))).flat();
      assert.equal(tokens.length, 150);
      assert.equal(new Set(tokens).size, 1);
      assert.match(tokens[0] ?? "", /^ya29\./);
      assert.deepEqual(outcomes(home.news()), { refreshed: 1 });
    });
  });
}

test("several processes that get the same code exchange it once", async (t) => {
  const home = await house(t, { clock: movableClock() });
  const processes = await Promise.all(Array.from({ length: 3 }, () => startVaultProcess(t, home)));
  const code = home.code("ada@example.com");
  const ends = (await Promise.all(processes.map((each) => each.exchange(code, 20)))).flat();
  assert.equal(new Set(ends).size, 1);
  assert.match(ends[0] ?? "", /^g_/);
  assert.deepEqual(outcomes(home.news()), { exchanged: 1 });
});

describe("a process that is killed between the provider's answer and the commit", () => {
  for (const rotation of rotations.filter(([name]) => name !== "strict")) {
    test(`rotation ${rotation[0]}: the next one to open the file finishes what was begun, unasked`, async (t) => {
      const { home, grantId } = await houseWithTiredGrant(t, rotation);
      const doomed = await startVaultProcess(t, home);
      home.standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 60_000 });
      void doomed.tokens(grantId);
      await acted(home);
      await doomed.kill();
      home.news();

      const vault = await home.open();
      await until(() => home.events.some(({ type }) => type === "refreshed"));
      const grant = await vault.grant(grantId);
      assert.deepEqual([grant.state, grant.generation], ["active", 2]);
      assert.match((await vault.getAccessToken(grantId)).token, /^ya29\./);
      const again = rotation[0] === "none" ? "refreshed" : "refreshed_in_grace";
      assert.deepEqual(outcomes(home.news()), { [again]: 1 });
    });
  }

  test("rotation strict: the grant lapses, with the reason said aloud and never silently", async (t) => {
    const { home, grantId } = await houseWithTiredGrant(t, rotations[2] as Rotation);
    const doomed = await startVaultProcess(t, home);
    home.standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 60_000 });
    void doomed.tokens(grantId);
    await acted(home);
    await doomed.kill();

    const vault = await home.open();
    await until(() => home.events.some(({ type }) => type === "lapsed"));
    await assert.rejects(vault.getAccessToken(grantId), (error) => {
      assert.ok(isOnbehalfError(error, "reauthorization_required"));
      assert.equal(error.details.reason, "crash_ambiguous_rotation");
      assert.match(error.message, /crash/);
      return true;
    });
    assert.ok(home.events.some((event) => event.type === "lapsed" && event.reason === "crash_ambiguous_rotation"));
  });

  test("before the provider saw anything: nothing was lost, whatever the rotation", async (t) => {
    for (const rotation of rotations) {
      const { home, grantId } = await houseWithTiredGrant(t, rotation);
      // Not a fault of the stand-in's: what lies in a killed process's socket would reach it when the fault is over.
      const standin = { ...home.standin, url: await deadEnd(t) };
      const doomed = await startVaultProcess(t, { ...home, standin });
      void doomed.tokens(grantId);
      await stands(home, "SELECT 1 FROM attempts");
      await doomed.kill();
      const vault = await home.open();
      assert.match((await vault.getAccessToken(grantId)).token, /^ya29\./, rotation[0]);
    }
  });
});

test("a process that is killed before it could verify who signed in: the next one finishes it from the journal", async (t) => {
  const home = await house(t, { clock: movableClock() });
  const doomed = await startVaultProcess(t, home);
  home.standin.fault("GET", "/oauth2/v3/certs", { times: "always", delayMs: 60_000 });
  void doomed.exchange(home.code("ada@example.com"));
  await stands(home, "SELECT 1 FROM intakes WHERE state = 'answered'");
  await doomed.kill();
  home.standin.clearFaults();

  const vault = await home.open();
  await until(() => home.events.some(({ type }) => type === "grant_stored"));
  const [grant] = (await vault.grants()).grants;
  assert.equal(grant?.profile.email, "ada@example.com");
  assert.deepEqual(outcomes(home.news()), { exchanged: 1 });
});

test("a process that is stopped in mid-refresh is not robbed: it goes on, and everybody gets what it brings", async (t) => {
  const { home, grantId } = await houseWithTiredGrant(t, rotations[2] as Rotation);
  const paused = await startVaultProcess(t, home);
  home.standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 200 });
  const slow = paused.tokens(grantId);
  await acted(home);
  paused.signal("SIGSTOP");
  const vault = await home.open();
  const waiting = vault.getAccessToken(grantId);
  // Long enough for the answer to lie in the stopped process's socket, and for impatience to show.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  assert.deepEqual(outcomes(home.news()), { refreshed: 1 });
  paused.signal("SIGCONT");
  const [token] = await slow;
  assert.equal((await waiting).token, token);
  assert.equal((await vault.grant(grantId)).state, "active");
  assert.deepEqual(outcomes(home.news()), {});
});

test("a grant that one process revokes is soon handed out by no other", async (t) => {
  const { home, grantId } = await houseWithTiredGrant(t, rotations[0] as Rotation);
  const other = await startVaultProcess(t, home);
  assert.match((await other.tokens(grantId))[0] ?? "", /^ya29\./);
  const vault = await home.open();
  await vault.revoke(grantId);
  await until(async () => (await other.tokens(grantId))[0] === "reauthorization_required");
});
