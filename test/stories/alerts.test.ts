/**
 * Each alert fires for the fault that it is about, and calms down when that is mended: the samples are those of a running
 * service, and Prometheus' own program decides. A scrape stands for a minute.
 */
import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { fixedClock, generateMasterKey, google, keyringFromKeys, openVault, storeEpoch } from "../../src/index.ts";
import type { VaultOptions } from "../../src/index.ts";
import { serviceMetrics, startKeeper, startServer } from "../../src/service/index.ts";
import type { Metrics } from "../../src/service/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { Scrapes, wrongAlerts } from "../support/alert-rules.ts";
import { needsProgram } from "../support/installed-programs.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { testService } from "../support/test-service.ts";
import type { TestService } from "../support/test-service.ts";
import { sharedStandin, until } from "../support/test-vault.ts";

interface Scene {
  readonly metrics: Metrics;
  readonly service: TestService;
  readonly scrapes: Scrapes;
  /** A minute passes, something is done in it, and the service is scraped. */
  minute(work?: () => Promise<unknown> | void): Promise<void>;
  minutes(count: number, work?: () => Promise<unknown> | void): Promise<void>;
}

async function scene(t: TestContext, vault: Partial<VaultOptions> = {}): Promise<Scene> {
  const metrics = serviceMetrics();
  const shared = await sharedStandin({ clock: fixedClock("2026-11-22T00:00:00Z") });
  t.after(() => shared.standin.close());
  const service = await testService(t, { shared, metrics, metricsPort: 0, vault });
  const scrapes = new Scrapes();
  const minute = async (work?: () => Promise<unknown> | void): Promise<void> => {
    shared.clock.advance(60_000);
    await work?.();
    scrapes.add(await (await fetch(service.server.metricsUrl ?? "")).text());
  };
  const minutes = async (count: number, work?: () => Promise<unknown> | void): Promise<void> => {
    for (let n = 0; n < count; n += 1) await minute(work);
  };
  await minutes(3);
  return { service, metrics, scrapes, minute, minutes };
}

/** Refreshes grants, whose tokens have ended by then. */
async function refreshAll({ vault, fixture }: TestService, grantIds: readonly string[]): Promise<void> {
  fixture.clock.advance(3_700_000);
  await Promise.all(grantIds.map((grantId) => vault.getAccessToken(grantId).catch(() => undefined)));
}

async function grantsOf(service: TestService, count: number): Promise<string[]> {
  const grants = await Promise.all(Array.from({ length: count }, () => service.grant()));
  return grants.map(({ grantId }) => grantId);
}

async function expectAlerts(
  t: TestContext,
  scrapes: Scrapes,
  firing: Parameters<typeof wrongAlerts>[2],
): Promise<void> {
  assert.equal(await wrongAlerts(await temporaryFolder(t), scrapes, firing), "");
}

const options = { ...needsProgram("promtool"), timeout: 120_000 };

describe("alerts", options, () => {
  test("a provider that fails is told of, with the refreshes that fail, until it is back", async (t) => {
    const { service, scrapes, minutes } = await scene(t);
    const grants = await grantsOf(service, 6);
    await minutes(2, () => refreshAll(service, grants));
    const good = scrapes.minutes - 1;
    service.fixture.standin.fault("POST", "/token", { status: 503, times: 10_000 });
    await minutes(8, () => refreshAll(service, grants));
    const bad = scrapes.minutes - 1;
    service.fixture.standin.clearFaults();
    await minutes(2, () => refreshAll(service, grants));
    scrapes.repeat(20);
    await expectAlerts(t, scrapes, [
      [good, []],
      [bad, ["OnbehalfProviderDown", "OnbehalfRefreshesFail"]],
      [scrapes.minutes - 1, []],
    ]);
  });

  test("a provider that refuses our client is told of until it takes it again", async (t) => {
    const { service, scrapes, minutes } = await scene(t);
    const [grant = ""] = await grantsOf(service, 1);
    await minutes(2, () => refreshAll(service, [grant]));
    const good = scrapes.minutes - 1;
    service.fixture.standin.fault("POST", "/token", { status: 401, body: { error: "invalid_client" }, times: 10_000 });
    await minutes(4, () => refreshAll(service, [grant]));
    const bad = scrapes.minutes - 1;
    service.fixture.standin.clearFaults();
    await minutes(2, () => refreshAll(service, [grant]));
    scrapes.repeat(20);
    await expectAlerts(t, scrapes, [
      [good, []],
      [bad, ["OnbehalfClientRefused"]],
      [scrapes.minutes - 1, []],
    ]);
  });

  test("many grants that end within an hour are told of, and one of a person who left is not", async (t) => {
    const { service, scrapes, minute, minutes } = await scene(t);
    const people = Array.from({ length: 12 }, (_, n) => `person-${n}@example.com`);
    const grants = await Promise.all(people.map((email) => service.grant(email)));
    const ids = grants.map(({ grantId }) => grantId);
    const leave = async (first: number, last: number): Promise<void> => {
      for (const email of people.slice(first, last)) service.fixture.standin.revoke(email);
      await refreshAll(service, ids.slice(first, last));
    };
    await minute(() => leave(0, 1));
    await minutes(2);
    const good = scrapes.minutes - 1;
    await minute(() => leave(1, 12));
    await minutes(2);
    const bad = scrapes.minutes - 1;
    scrapes.repeat(70);
    await expectAlerts(t, scrapes, [
      [good, []],
      [bad, ["OnbehalfGrantsLapse"]],
      [scrapes.minutes - 1, []],
    ]);
  });

  test("a grant that stays suspect is told of until somebody has asked the provider", async (t) => {
    const { service, scrapes, minute, minutes } = await scene(t);
    const [grant = ""] = await grantsOf(service, 1);
    await service.store.markSuspect(grant, service.fixture.clock.now());
    await minutes(5);
    const young = scrapes.minutes - 1;
    await minutes(75);
    const bad = scrapes.minutes - 1;
    await minute(() => service.vault.getAccessToken(grant));
    await minutes(2);
    await expectAlerts(t, scrapes, [
      [young, []],
      [bad, ["OnbehalfSuspectGrantsOld"]],
      [scrapes.minutes - 1, []],
    ]);
  });

  test("a store that is away is told of until it is back", async (t) => {
    const { service, scrapes, minutes } = await scene(t);
    await service.store.close();
    await minutes(4);
    const bad = scrapes.minutes - 1;
    await service.store.open({ clock: service.fixture.clock });
    await minutes(7);
    await expectAlerts(t, scrapes, [
      [2, []],
      [bad, ["OnbehalfStoreFails"]],
      [scrapes.minutes - 1, []],
    ]);
  });

  test("a store that stands still is told of until its operator has said what it is", async (t) => {
    const { service, scrapes, minutes } = await scene(t);
    const keyring = keyringFromKeys(service.fixture.key);
    assert.equal(await storeEpoch.markRestored(service.store, keyring), true);
    await minutes(4);
    const bad = scrapes.minutes - 1;
    await storeEpoch.settle(service.store, keyring, "moved");
    await minutes(2);
    await expectAlerts(t, scrapes, [
      [2, []],
      [bad, ["OnbehalfStoreStandsStill"]],
      [scrapes.minutes - 1, []],
    ]);
  });

  test("a store that its keeper has found damaged is told of until another one is in its place", async (t) => {
    const { service, scrapes, minutes } = await scene(t);
    const { figures } = service.vault;
    const keeper = figures.keeper.bind(figures);
    figures.keeper = async () => {
      const said = await keeper();
      return said && { ...said, isStoreDamaged: true };
    };
    await minutes(4);
    const bad = scrapes.minutes - 1;
    figures.keeper = keeper;
    await minutes(2);
    await expectAlerts(t, scrapes, [
      [2, []],
      [bad, ["OnbehalfStoreStandsStill"]],
      [scrapes.minutes - 1, []],
    ]);
  });

  test("answers that wait in the rescue folder are told of until they are gone", async (t) => {
    const { service, scrapes, minutes } = await scene(t);
    const folder = `${service.fixture.path}-rescue`;
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "of-another-store.answer"), "{}");
    await minutes(7);
    const bad = scrapes.minutes - 1;
    await rm(folder, { recursive: true });
    await minutes(2);
    await expectAlerts(t, scrapes, [
      [2, []],
      [bad, ["OnbehalfRescueFiles"]],
      [scrapes.minutes - 1, []],
    ]);
  });

  test("events that wait for a receiver are told of, and those that were given up, until they are delivered", async (t) => {
    let isWell = false;
    const receiver = createServer((incoming, outgoing) => {
      incoming.resume();
      outgoing.writeHead(isWell ? 200 : 500).end();
    }).listen(0, "127.0.0.1");
    t.after(() => receiver.close());
    await new Promise((resolve) => receiver.once("listening", resolve));
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
    const secrets = [`whsec_${Buffer.alloc(32, 1).toString("base64")}`];
    const { service, scrapes, minute, minutes } = await scene(t, { webhook: { url, secrets } });
    const { store, fixture } = service;
    await until(async () => (await store.webhookState()) !== undefined);
    await service.grant();
    await until(async () => (await store.deliveryCounts()).waitingSince !== null);
    await minutes(25);
    const waiting = scrapes.minutes - 1;
    await minute(async () => {
      await until(async () => {
        fixture.clock.advance(3_600_000);
        return (await store.deliveryCounts()).dead > 0;
      });
    });
    await minutes(2);
    const dead = scrapes.minutes - 1;
    isWell = true;
    await minute(async () => {
      await store.replayDeliveries(undefined, fixture.clock.now());
      await until(async () => {
        const { waiting: left, dead: given } = await store.deliveryCounts();
        return left + given === 0;
      });
    });
    await minutes(2);
    await expectAlerts(t, scrapes, [
      [2, []],
      [waiting, ["OnbehalfWebhooksWait"]],
      [dead, ["OnbehalfWebhooksDead"]],
      [scrapes.minutes - 1, []],
    ]);
  });

  test("many consents that end soon are told of for a day", async (t) => {
    const { service, metrics, scrapes, minute, minutes } = await scene(t);
    const { fixture } = service;
    fixture.standin.settings({ refreshTokenTtlSeconds: 30 * 86_400 });
    await grantsOf(service, 22);
    await minutes(2);
    const good = scrapes.minutes - 1;
    await minute(async () => {
      fixture.clock.advance(24 * 86_400_000);
      // A keeper looks for them when it begins, and every minute of the machine's own clock.
      let told = 0;
      const other = await fixture.open({
        onEvent: (event) => {
          metrics.onEvent(event);
          told += event.type === "consent_ends_soon" ? 1 : 0;
        },
      });
      await until(() => told === 22);
      await other.close();
    });
    await minutes(2);
    const bad = scrapes.minutes - 1;
    scrapes.repeat(1_450);
    await expectAlerts(t, scrapes, [
      [good, []],
      [bad, ["OnbehalfConsentsEnd"]],
      [scrapes.minutes - 1, []],
    ]);
  });

  test("a value that does not open is told of for an hour", async (t) => {
    const { service, scrapes, minute, minutes } = await scene(t);
    const [grant = ""] = await grantsOf(service, 1);
    await minutes(2);
    const good = scrapes.minutes - 1;
    await minute(async () => {
      const file = new DatabaseSync(service.fixture.path);
      file.prepare("UPDATE grants SET profile_sealed = zeroblob(60) WHERE grant_id = ?").run(grant);
      file.close();
      await assert.rejects(service.vault.grant(grant), { code: "grant_unreadable" });
      assert.equal((await service.ask("/v1/grants")).status, 200);
      assert.ok(service.fixture.events.some(({ type }) => type === "unreadable"));
    });
    await minutes(2);
    const bad = scrapes.minutes - 1;
    scrapes.repeat(70);
    await expectAlerts(t, scrapes, [
      [good, []],
      [bad, ["OnbehalfAlarm"]],
      [scrapes.minutes - 1, []],
    ]);
  });

  test("a keeper that is away is told of, and one that is killed again and again, until it stays", async (t) => {
    const folder = await temporaryFolder(t);
    const store = join(folder, "grants.db");
    const { standin } = await sharedStandin();
    t.after(() => standin.close());
    const metrics = serviceMetrics();
    const settings = {
      store: `sqlite:${store}`,
      key: generateMasterKey().expose(),
      clientId: standin.clientId,
      clientSecret: standin.clientSecret,
      googleBaseUrl: standin.url,
    };
    const keeper = await startKeeper({ settings, migrate: true }, metrics.onEvent, () => undefined);
    t.after(() => keeper.close());
    const vault = await openVault({
      provider: google({ clientId: standin.clientId, clientSecret: standin.clientSecret, baseUrl: standin.url }),
      store: sqlite(store),
      keeper,
      onEvent: metrics.onEvent,
    });
    t.after(() => vault.close());
    metrics.watch?.({ link: () => keeper.link });
    const server = await startServer(vault, { port: 0, metrics, metricsPort: 0 });
    t.after(() => server.close());
    const scrapes = new Scrapes();
    const scrape = async (): Promise<void> => scrapes.add(await (await fetch(server.metricsUrl ?? "")).text());
    for (let n = 0; n < 3; n += 1) await scrape();
    for (let n = 0; n < 3; n += 1) {
      process.kill(keeper.pid ?? 0, "SIGKILL");
      await until(() => !keeper.link.isReady);
      await scrape();
      await until(() => keeper.link.isReady);
    }
    await scrape();
    await scrape();
    const back = scrapes.minutes - 1;
    scrapes.repeat(20);
    await expectAlerts(t, scrapes, [
      [2, []],
      [4, ["OnbehalfKeeperDown"]],
      [back, ["OnbehalfKeeperRestarts"]],
      [scrapes.minutes - 1, []],
    ]);
  });

  test("a service that nobody can scrape is told of until it answers", async (t) => {
    const { scrapes, minutes } = await scene(t);
    for (let n = 0; n < 12; n += 1) scrapes.add(undefined);
    const bad = scrapes.minutes - 1;
    await minutes(2);
    await expectAlerts(t, scrapes, [
      [2, []],
      [bad, ["OnbehalfAbsent"]],
      [scrapes.minutes - 1, []],
    ]);
  });
});
