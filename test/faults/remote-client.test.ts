/**
 * A remote vault while its service is stopped and killed under it, again and again. `REMOTE=full`: every five seconds for a
 * minute, and away for half a minute instead of two seconds.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { movableClock } from "../../src/index.ts";
import { openRemoteVault } from "../../src/client/index.ts";
import type { RemoteVault } from "../../src/client/index.ts";
import { freePort } from "../support/free-port.ts";
import { testVault, until } from "../support/test-vault.ts";
import { signal } from "../../tools/chaos/processes.ts";
import { startServiceProcess } from "./service-process.ts";
import type { ServiceProcess } from "./service-process.ts";

const isFull = process.env["REMOTE"] === "full";
/** How many restarts there are at least, and for how long at least, milliseconds. */
const restarts = 2;
const lengthMs = isFull ? 60_000 : 0;
/** For how long the service is away once, milliseconds. */
const awayMs = isFull ? 30_000 : 2_000;
const people = 20;
/** How many programs read at the same time. */
const readers = 8;

/**
 * For how long a request is sent again, seconds. The usual 45 are held to where time is the test's own: on a busy machine a service
 * may need a minute to start.
 */
const waitSeconds = 300;

/** What became of reads. */
interface Reads {
  done: number;
  readonly failed: unknown[];
  /** The longest that one took, milliseconds. */
  slowest: number;
}

interface Setting {
  readonly key: string;
  readonly ids: readonly string[];
  readonly url: string;
  start(): Promise<ServiceProcess>;
}

/** A service on a port of its own that can be started again and again, with grants whose tokens live for a while. */
async function setting(t: TestContext, accessTokenTtlSeconds: number): Promise<Setting> {
  const fixture = await testVault(t, { clock: movableClock(), accessTokenTtlSeconds });
  const vault = await fixture.open();
  const ids: string[] = [];
  for (let person = 0; person < people; person += 1) {
    const externalId = `user-${person}`;
    await vault.exchangeCode({ code: fixture.code(`p${person}@example.com`), externalId });
    ids.push(externalId);
  }
  const { key } = await vault.callers.create("reader", { allow: ["token"] });
  await vault.close();
  const port = await freePort();
  return {
    key: key.expose(),
    ids,
    url: `http://127.0.0.1:${port}`,
    start: () => startServiceProcess(t, fixture, { PORT: String(port) }),
  };
}

/** Reads tokens from all sides until it is told to stop: of programs that hold them, and of programs that have just begun. */
function readOnAndOn({ url, key, ids }: Setting, shared: RemoteVault): { stop(): Promise<Reads> } {
  const reads: Reads = { done: 0, failed: [], slowest: 0 };
  const over = new AbortController();
  const { signal: end } = over;
  const read = async (vault: RemoteVault, turn: number): Promise<void> => {
    const begun = performance.now();
    try {
      const { token } = await vault.getAccessToken({ externalId: ids[turn % ids.length] ?? "" });
      assert.notEqual(token, "");
      reads.done += 1;
    } catch (error) {
      reads.failed.push(error);
    }
    reads.slowest = Math.max(reads.slowest, performance.now() - begun);
  };
  const holder = async (from: number): Promise<void> => {
    for (let turn = from; !end.aborted; turn += 1) {
      await read(shared, turn);
      await sleep(10);
    }
  };
  const beginner = async (): Promise<void> => {
    for (let turn = 0; !end.aborted; turn += 1) {
      await using vault = await openRemoteVault({ url, key, waitSeconds });
      await read(vault, turn);
      await sleep(20);
    }
  };
  const all = [...Array.from({ length: readers }, (_, from) => holder(from)), beginner(), beginner()];
  return {
    async stop() {
      over.abort();
      await Promise.all(all);
      return reads;
    },
  };
}

test(
  "no read of a living token fails while its service is restarted again and again, stopped and killed in turn",
  { timeout: 600_000 },
  async (t) => {
    const fixture = await setting(t, 20);
    let service = await fixture.start();
    const shared = await openRemoteVault({ url: fixture.url, key: fixture.key });
    t.after(() => shared.close());
    const reading = readOnAndOn(fixture, shared);
    const begun = performance.now();
    let made = 0;
    for (; made < restarts || performance.now() - begun < lengthMs; made += 1) {
      if (isFull) await sleep(5_000);
      else await until(() => shared.peekAccessToken({ externalId: fixture.ids.at(-1) ?? "" }, 0) !== undefined);
      signal(service.pid, made % 2 === 0 ? "SIGTERM" : "SIGKILL");
      await service.ended;
      service = await fixture.start();
    }
    await shared.ping();
    const { done, failed, slowest } = await reading.stop();
    t.diagnostic(`${done} reads in ${made} restarts, the slowest ${slowest.toFixed(0)} ms`);
    assert.deepEqual(failed, []);
    assert.ok(done > made * 50, String(done));
  },
);

test(
  `${awayMs / 1_000} seconds without the service: who holds a token reads on, and who has just begun gets one afterwards`,
  { timeout: 300_000 },
  async (t) => {
    const fixture = await setting(t, 3_600);
    let service = await fixture.start();
    const shared = await openRemoteVault({ url: fixture.url, key: fixture.key });
    t.after(() => shared.close());
    for (const externalId of fixture.ids) await shared.getAccessToken({ externalId });
    signal(service.pid, "SIGKILL");
    await service.ended;
    const reading = readOnAndOn(fixture, shared);
    await sleep(awayMs);
    service = await fixture.start();
    const { done, failed, slowest } = await reading.stop();
    t.diagnostic(`${done} reads while the service was away, the slowest ${slowest.toFixed(0)} ms`);
    assert.deepEqual(failed, []);
  },
);
