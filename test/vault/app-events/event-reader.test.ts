import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { isOnbehalfError } from "../../../src/index.ts";
import type { AppEvent, Caller, EventPage, Vault } from "../../../src/index.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { fails } from "../../support/fails.ts";
import { testVault } from "../../support/test-vault.ts";
import type { TestVault } from "../../support/test-vault.ts";

function signIn(vault: Vault, fixture: TestVault, email: string, externalId: string) {
  return vault.exchangeCode({ code: fixture.code(email), source: "android", externalId });
}

const types = ({ events }: EventPage): string[] => events.map(({ type }) => type);
const ids = ({ externalIds }: AppEvent): string[] => externalIds.map(({ externalId }) => externalId);

async function caller(vault: Vault, name: string, grants?: readonly string[]): Promise<Caller> {
  const { caller: made } = await vault.callers.create(name, {
    allow: ["events"],
    ...(grants === undefined ? {} : { grants }),
  });
  return made;
}

describe("events of a vault", () => {
  test("what happens to a grant is read in order, with the user ids it is known by, and without a token or a profile", async (t) => {
    const fixture = await testVault(t);
    const vault = await fixture.open();
    const grant = await signIn(vault, fixture, "ada@example.com", "ada");
    await vault.revoke(grant);
    const page = await vault.events();
    assert.deepEqual(types(page), ["grant.created", "grant.revoked"]);
    assert.deepEqual(page.events.map(ids), [["ada"], ["ada"]]);
    assert.equal(page.next, 2);
    assert.doesNotMatch(JSON.stringify(page), /ya29|1\/\/|@|Lovelace/);
    assert.deepEqual(await vault.events({ after: page.next }), { events: [], next: 2 });
    assert.deepEqual(types(await vault.events({ after: 1, limit: 1 })), ["grant.revoked"]);
  });

  test("an ordinary refresh is no event", async (t) => {
    const fixture = await testVault(t);
    const vault = await fixture.open();
    const grant = await signIn(vault, fixture, "ada@example.com", "ada");
    fixture.clock.advance(3_600_000);
    await vault.getAccessToken(grant);
    assert.deepEqual(types(await vault.events()), ["grant.created"]);
  });

  test("events of one grant are those of no other, and their pages go on where the last one ended", async (t) => {
    const fixture = await testVault(t);
    const vault = await fixture.open();
    const ada = await signIn(vault, fixture, "ada@example.com", "ada");
    await signIn(vault, fixture, "carl@example.com", "carl");
    await vault.revoke(ada);
    const first = await vault.events({ grant: { externalId: "ada" }, limit: 1 });
    assert.deepEqual(types(first), ["grant.created"]);
    const rest = await vault.events({ grant: ada.grantId, after: first.next });
    assert.deepEqual(types(rest), ["grant.revoked"]);
    assert.equal(rest.next, 3);
  });

  test("an event of a grant that is written while the grant's events are read comes with the next page", async (t) => {
    const fixture = await testVault(t);
    const store = sqlite(fixture.path);
    let meanwhile = (): Promise<unknown> => Promise.resolve();
    const readEvents = store.events.bind(store);
    store.events = async (wanted) => {
      const rows = await readEvents(wanted);
      await meanwhile();
      return rows;
    };
    const vault = await fixture.open({ store });
    const ada = await signIn(vault, fixture, "ada@example.com", "ada");
    meanwhile = () => {
      meanwhile = () => Promise.resolve();
      return vault.revoke(ada);
    };
    const first = await vault.events({ grant: ada.grantId });
    const second = await vault.events({ grant: ada.grantId, after: first.next });
    assert.deepEqual([types(first), types(second)], [["grant.created"], ["grant.revoked"]]);
  });

  test("a reader waits for an event of another process, and gets it", async (t) => {
    const fixture = await testVault(t);
    const vault = await fixture.open();
    const other = await fixture.open();
    const waiting = other.events({ waitSeconds: 60 });
    await signIn(vault, fixture, "ada@example.com", "ada");
    assert.deepEqual(types(await waiting), ["grant.created"]);
  });

  test("a wait ends with nothing where none comes, when the vault closes, and when the reader goes", async (t) => {
    const fixture = await testVault(t);
    const vault = await fixture.open();
    assert.deepEqual(await vault.events({ waitSeconds: 0.01 }), { events: [], next: 0 });
    const leaving = new AbortController();
    const left = vault.events({ waitSeconds: 60, signal: leaving.signal });
    leaving.abort(new Error("gone"));
    await assert.rejects(left, /gone/);
    const waiting = vault.events({ waitSeconds: 60 });
    await vault.close();
    assert.deepEqual(await waiting, { events: [], next: 0 });
  });

  test("a reader that comes too late is told which events are gone, and where to read on", async (t) => {
    const fixture = await testVault(t);
    const vault = await fixture.open();
    await signIn(vault, fixture, "ada@example.com", "ada");
    await signIn(vault, fixture, "carl@example.com", "carl");
    const store = sqlite(fixture.path);
    await store.open({});
    assert.equal(await store.pruneEvents(fixture.clock.now() + 1, 1), 1);
    await store.close();
    await assert.rejects(vault.events({ after: 0 }), (error: unknown) => {
      assert.ok(isOnbehalfError(error, "events_missed"));
      assert.deepEqual(error.details, { oldest: 2, newest: 2, readOnAfter: 1 });
      return true;
    });
    assert.deepEqual(types(await vault.events({ after: 1 })), ["grant.created"]);
    assert.deepEqual(types(await vault.events()), ["grant.created"], "without a number, from the oldest that is kept");
    await assert.rejects(vault.events({ after: 3 }), fails("events_missed", "backup"));
  });

  test("options that are none are refused by name", async (t) => {
    const fixture = await testVault(t);
    const vault = await fixture.open();
    for (const options of [{ after: -1 }, { limit: 0 }, { limit: 501 }, { waitSeconds: 61 }, { before: 1 }]) {
      await assert.rejects(vault.events(options), fails("invalid_request", Object.keys(options)[0] ?? ""));
    }
  });
});

describe("events as a caller sees them", () => {
  async function two(t: TestContext) {
    const fixture = await testVault(t);
    const vault = await fixture.open();
    const ada = await signIn(vault, fixture, "ada@example.com", "team-a:ada");
    const carl = await signIn(vault, fixture, "carl@example.com", "team-b:carl");
    return { fixture, vault, ada, carl };
  }

  test("a caller sees events of its own grants alone, and passes over the others", async (t) => {
    const { vault, ada, carl } = await two(t);
    const all = vault.forCaller(await caller(vault, "all"));
    const teamA = vault.forCaller(await caller(vault, "team-a", ["ext:team-a:*"]));
    const onlyCarl = vault.forCaller(await caller(vault, "carl", [carl.grantId]));
    assert.deepEqual(
      (await all.events()).events.map(({ grantId }) => grantId),
      [ada.grantId, carl.grantId],
    );
    const page = await teamA.events();
    assert.deepEqual(
      page.events.map(({ grantId }) => grantId),
      [ada.grantId],
    );
    assert.equal(page.next, 2);
    assert.deepEqual(
      (await onlyCarl.events()).events.map(({ seq }) => seq),
      [2],
    );
    await assert.rejects(teamA.events({ grant: carl.grantId }), fails("grant_not_found"));
  });

  test("the end of a grant is seen by whoever saw the grant, and by nobody else", async (t) => {
    const { vault, ada } = await two(t);
    const teamA = vault.forCaller(await caller(vault, "team-a", ["ext:team-a:*"]));
    const teamB = vault.forCaller(await caller(vault, "team-b", ["ext:team-b:*"]));
    await vault.revoke(ada);
    assert.deepEqual(types(await teamA.events({ after: 2 })), ["grant.revoked"]);
    assert.deepEqual(types(await teamB.events({ after: 2 })), []);
  });

  test("where another account takes an external id over, events of the account before are seen no longer", async (t) => {
    const fixture = await testVault(t);
    const vault = await fixture.open();
    const first = await vault.exchangeCode({
      code: fixture.code("ada@example.com"),
      source: "android",
      externalId: "u",
    });
    const label = first.account ?? "";
    const second = await vault.exchangeCode({
      code: fixture.code("carl@example.com"),
      source: "android",
      externalId: "u",
      account: label,
      moveExternalId: true,
    });
    const mine = vault.forCaller(await caller(vault, "mine", ["ext:u"]));
    assert.deepEqual(
      (await mine.events()).events.map(({ grantId }) => grantId),
      [second.grantId],
    );
    await vault.revoke(first);
    assert.deepEqual(types(await mine.events({ after: 2 })), []);
    const all = vault.forCaller(await caller(vault, "all"));
    assert.deepEqual(
      (await all.events()).events.map(({ grantId, externalIds }) => [grantId, externalIds.length]),
      [
        [first.grantId, 0],
        [second.grantId, 1],
        [first.grantId, 0],
      ],
    );
  });

  test("a caller that waits is not woken for good by events of others", async (t) => {
    const { fixture, vault } = await two(t);
    const teamA = vault.forCaller(await caller(vault, "team-a", ["ext:team-a:*"]));
    const waiting = teamA.events({ after: 2, waitSeconds: 60 });
    await signIn(vault, fixture, "somebody@example.com", "team-b:somebody");
    await signIn(vault, fixture, "another@example.com", "team-a:another");
    const page = await waiting;
    assert.deepEqual(page.events.map(ids), [["team-a:another"]]);
  });
});
