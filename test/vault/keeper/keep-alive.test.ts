import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { google } from "../../../src/index.ts";
import type { Grant, OidcOptions } from "../../../src/index.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { grant } from "../../../src/store/suite/rows.ts";
import { bentProvider } from "../../support/bent-provider.ts";
import type { Bend, BentProvider, Members } from "../../support/bent-provider.ts";

/** The clock stands still, so that the usual rate would let fifty through and no more. */
const exchangeRate = { perSecond: 10_000, burst: 10_000 };
const hour = 3_600_000;
const day = 24 * hour;

interface Scene extends BentProvider {
  readonly path: string;
  /** Ends the vault and opens another one, whose upkeep begins with a round. Resolves when that round is over. */
  round(provider?: Pick<OidcOptions, "keepAliveDays">): Promise<void>;
  now(grant: Grant): Promise<Grant>;
}

/** A strict provider whose answers say what `announced` says. */
async function scene(
  t: TestContext,
  announced: Members,
  onRefresh = announced,
  provider: Partial<OidcOptions> = {},
): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), "onbehalf-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "grants.db");
  const bend: Bend = {
    token: (answer, { form }) => ({
      body: { ...answer, ...(form["grant_type"] === "refresh_token" ? onRefresh : announced) },
    }),
  };
  const bent = await bentProvider(t, bend, { strict: true, provider, vault: { store: sqlite(path) } });
  let { vault } = bent;
  return Object.assign(bent, {
    path,
    async round(more: Pick<OidcOptions, "keepAliveDays"> = {}) {
      await vault.close();
      const provider = {
        ...bent.provider,
        ...(more.keepAliveDays === undefined ? {} : { keepAliveDays: more.keepAliveDays }),
      };
      vault = await bent.open({ store: sqlite(path), provider, exchangeRate });
      // Closing waits for the round that is under way.
      await vault.close();
      vault = await bent.open({ store: sqlite(path), provider, exchangeRate });
    },
    now: async (grant: Grant) => vault.grant(grant.grantId),
  });
}

describe("an announced end", () => {
  for (const [name, life, passed] of [
    ["refresh_expires_in", 1_800, 0.75],
    ["refresh_token_expires_in", 14 * 86_400, 0.71],
    ["refresh_token_timeout", 3 * 86_400, 0.9],
    ["x_refresh_token_expires_in", 100 * 86_400, 0.3],
  ] as const) {
    test(`the end that ${name} announces is shown, and an idle grant is refreshed before it, again and again`, async (t) => {
      const bent = await scene(t, { [name]: life });
      const grant = await bent.connect();
      assert.equal(Number(grant.reauthorizeBefore), bent.clock.now() + life * 1_000);
      for (let turn = 1; turn <= 3; turn++) {
        await bent.round();
        assert.equal(bent.count("/token"), turn, "not before half of its life");
        bent.clock.advance(life * 1_000 * passed);
        await bent.round();
        assert.equal(bent.count("/token"), turn + 1);
        assert.equal(Number((await bent.now(grant)).reauthorizeBefore), bent.clock.now() + life * 1_000);
      }
    });
  }

  test("a refresh token of which nothing more is said after it was replaced is kept alive like the first one", async (t) => {
    const bent = await scene(t, { refresh_expires_in: 86_400 }, {});
    const grant = await bent.connect();
    for (let turn = 1; turn <= 3; turn++) {
      bent.clock.advance(0.75 * day);
      await bent.round();
      assert.equal(bent.count("/token"), turn + 1);
      assert.equal((await bent.now(grant)).state, "active");
    }
  });

  test("an end of 0 is none: it is not shown, and a later 0 takes an earlier end back", async (t) => {
    const bent = await scene(t, { refresh_expires_in: 0 });
    assert.equal((await bent.connect("a/c")).reauthorizeBefore, undefined);
    const other = await scene(t, { refresh_expires_in: 600 }, { refresh_expires_in: 0 });
    const grant = await other.connect();
    other.clock.advance(0.75 * 600_000);
    await other.round();
    assert.equal((await other.now(grant)).reauthorizeBefore, undefined);
  });

  test("the end of a consent is shown, and no refresh is made for it", async (t) => {
    const bent = await scene(t, { authorization_expires_in: 86_400 }, {});
    const grant = await bent.connect();
    assert.equal(Number(grant.reauthorizeBefore), bent.clock.now() + day);
    bent.clock.advance(0.9 * day);
    await bent.round();
    assert.equal(bent.count("/token"), 1);
    await bent.open({ store: sqlite(":memory:") });
    assert.equal(Number((await bent.now(grant)).reauthorizeBefore), bent.clock.now() + 0.1 * day);
  });

  test("what Google says of access that is limited in time is the end of the consent", async (t) => {
    const { announcedEnds } = google({ clientId: "1-a.apps.googleusercontent.com", clientSecret: "s" });
    assert.ok(announcedEnds !== undefined);
    const bent = await scene(t, { refresh_token_expires_in: 86_400 }, {}, { announcedEnds });
    const grant = await bent.connect();
    assert.equal(Number(grant.reauthorizeBefore), bent.clock.now() + day);
    bent.clock.advance(0.9 * day);
    await bent.round();
    assert.equal(bent.count("/token"), 1);
  });

  test("a new consent ends what was announced for the one before", async (t) => {
    const bent = await scene(t, { authorization_expires_in: 600, refresh_expires_in: 600 });
    await bent.connect("a/1");
    bent.bend = {};
    assert.equal((await bent.connect("a/2")).reauthorizeBefore, undefined);
  });
});

describe("a grant that nobody uses", () => {
  for (const [days, before, after] of [
    [undefined, 23.9, 30],
    [5, 3.9, 5],
    [180, 143, 180],
  ] as const) {
    test(`a grant that nobody uses is refreshed within ${days ?? "the default of 30"} days, whatever the clock did`, async (t) => {
      const bent = await scene(t, {}, {}, days === undefined ? {} : { keepAliveDays: days });
      const grant = await bent.connect();
      bent.clock.advance(before * day);
      await bent.round();
      assert.equal(bent.count("/token"), 1);
      bent.clock.advance((after - before) * day);
      await bent.round();
      assert.equal(bent.count("/token"), 2);
      assert.equal((await bent.now(grant)).state, "active");
    });
  }

  test("a record that now allows fewer days counts for grants that were made before", async (t) => {
    const bent = await scene(t, {});
    await bent.connect();
    bent.clock.advance(6 * day);
    await bent.round();
    assert.equal(bent.count("/token"), 1);
    await bent.round({ keepAliveDays: 5 });
    assert.equal(bent.count("/token"), 2);
  });

  test("a grant whose last exchange was noted by a clock that was a year ahead is refreshed", async (t) => {
    const bent = await scene(t, {});
    bent.clock.advance(365 * day);
    await bent.connect();
    bent.clock.advance(-365 * day);
    await bent.round();
    assert.equal(bent.count("/token"), 2);
  });

  test("a round in which time passes refreshes each grant once, however long the provider takes", async (t) => {
    const bent = await scene(t, {});
    for (let n = 0; n < 20; n++) await bent.connect(`${n}/c`);
    const sent = bent.count("/token");
    bent.clock.advance(31 * day);
    bent.bend = {
      token() {
        bent.clock.advance(5_000);
        return undefined;
      },
    };
    await bent.round();
    assert.equal(bent.count("/token") - sent, 20);
  });

  test("250 grants of a client that is not configured, 250 that do not open and one that is refused keep nobody from a refresh", async (t) => {
    const bent = await scene(t, {});
    const refused = await bent.connect("refused/c");
    bent.clock.advance(hour);
    const healthy = await bent.connect("healthy/c");
    const store = sqlite(bent.path);
    await store.open({ clock: bent.clock });
    for (let n = 0; n < 500; n++) {
      const row = grant({ provider: "bent", clientId: n % 2 === 0 ? "another" : "cid", accessIssuedAt: n });
      assert.equal(await store.saveFromIntake(row, null, Buffer.from(`code ${n}`)), true);
    }
    await store.close();
    bent.bend = {
      token: (_, { form }) =>
        form["refresh_token"] === "rt-1" ? { status: 400, body: { error: "unheard_of" } } : undefined,
    };
    bent.clock.advance(31 * day);
    await bent.round();
    assert.ok((await bent.now(healthy)).lastRefreshAt !== undefined);
    assert.equal((await bent.now(refused)).state, "active");
  });
});
