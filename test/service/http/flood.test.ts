/**
 * Somebody without a key sends codes that are none, as fast as they can. Asserted is what can be counted, on a machine
 * that is as slow as it likes; how long callers waited is told and not asserted. FLOOD=full floods for a minute.
 */
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { movableClock } from "../../../src/index.ts";
import { sharedStandin } from "../../support/test-vault.ts";
import { testService } from "../../support/test-service.ts";
import type { TestService } from "../../support/test-service.ts";
import { floodShapes } from "../../../bench/flood-shapes.ts";
import { quantile } from "../../../bench/quantile.ts";

const seconds = process.env["FLOOD"] === "full" ? 60 : 3;
const perSecond = 400;
/** How many posts leave on the slowest machine: more than can wait. */
const fewest = 1_000;
/** How often posts leave, milliseconds. */
const everyMs = 50;
/** How many posts may be without an answer, so that the queue of 100 is full. */
const mostWaiting = 200;
/** Of the 50 exchanges of a second, those that codes of people without a key may have. */
const share = 25;

const json = { "content-type": "application/json", "x-requested-with": "XMLHttpRequest" };

interface Rejected {
  readonly state: string;
  readonly bytes: number;
}

function rejectedCodes({ fixture }: TestService): Rejected[] {
  const database = new DatabaseSync(fixture.path, { readOnly: true });
  try {
    const bytes = "length(code_hash) + length(owner) + length(context_sealed) + length(coalesce(rejection, ''))";
    return database
      .prepare(`SELECT state, ${bytes} AS bytes FROM intakes WHERE grant_id IS NULL`)
      .all() as unknown as Rejected[];
  } finally {
    database.close();
  }
}

function onDisk({ fixture }: TestService): number {
  return ["", "-wal"].reduce(
    (sum, end) => sum + (statSync(fixture.path + end, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}

test(
  "a flood of codes that are none keeps no caller waiting, blames no grant and leaves next to nothing",
  { timeout: 240_000 },
  withstandsFlood,
);

async function withstandsFlood(t: TestContext): Promise<void> {
  const clock = movableClock();
  const shared = await sharedStandin({ clock });
  t.after(() => shared.standin.close());
  const service = await testService(t, { shared });
  const { ask, fixture, vault } = service;
  const grantIds: string[] = [];
  for (let n = 0; n < 40; n++) grantIds.push((await service.grant()).grantId);

  /** Every token has ended, so that each call is a refresh. Returns how long each took, milliseconds. */
  const refreshAll = async (forSeconds: number): Promise<number[]> => {
    clock.advance(2 * 3_600_000);
    const took: number[] = [];
    for (const grantId of grantIds) {
      const begun = performance.now();
      const answer = await ask(`/v1/grants/${grantId}/token`);
      took.push(performance.now() - begun);
      assert.equal(answer.status, 200, await answer.text());
      await sleep((forSeconds * 1000) / grantIds.length);
    }
    return took;
  };

  const quiet = await refreshAll(seconds / 6);
  fixture.events.length = 0;
  fixture.newRequests();
  const [diskBefore, memoryBefore] = [onDisk(service), process.memoryUsage().rss];
  const begun = clock.now();

  const answers: Promise<readonly [status: number, error: string, hasRetryAfter: boolean]>[] = [];
  const waiting = new Set<number>();
  const post = async (n: number): Promise<readonly [number, string, boolean]> => {
    const body = JSON.stringify(floodShapes[n % floodShapes.length]?.(n));
    waiting.add(n);
    const answer = await ask("/authcode", { method: "POST", headers: { ...json, authorization: "" }, body });
    waiting.delete(n);
    const { error } = (await answer.json()) as { error: string };
    return [answer.status, error, Number(answer.headers.get("retry-after")) >= 1];
  };
  const flood = async (): Promise<void> => {
    const ends = performance.now() + seconds * 1000;
    // A slow machine sends fewer in that time, and does not take longer for as many.
    for (let n = 0; n < fewest || (n < seconds * perSecond && performance.now() < ends);) {
      for (let each = 0; each < (perSecond * everyMs) / 1000; each++) {
        n += 1;
        answers.push(post(n));
      }
      // The sender shares this process with all the others. On a slow machine it must not keep them from their work.
      do {
        await sleep(everyMs);
      } while (waiting.size > mostWaiting);
    }
  };
  // The clock jumps at the start of the refreshes; the flood begins after that.
  const refreshing = refreshAll(seconds / 2);
  const jumped = clock.now();
  await Promise.all([flood(), refreshing]);
  const counts = new Map<string, number>();
  for (const [status, error, hasRetryAfter] of await Promise.all(answers)) {
    counts.set(`${status} ${error}`, (counts.get(`${status} ${error}`) ?? 0) + 1);
    assert.ok(status !== 503 || hasRetryAfter, "a 503 must say when to come back");
  }
  const busy = await refreshing;
  const lastedSeconds = Math.ceil((clock.now() - jumped) / 1000);
  assert.ok(jumped > begun);

  const known = ["400 code_rejected", "400 invalid_request", "403 forbidden", "413 request_too_large"];
  const unknown = [...counts.keys()].filter((each) => ![...known, "503 provider_unavailable"].includes(each));
  assert.deepEqual(unknown, [], JSON.stringify([...counts]));
  const sent = fixture.newRequests().length - grantIds.length;
  assert.ok(sent <= share * (lastedSeconds + 1), `${sent} codes were sent in ${lastedSeconds} s`);

  // No grant is blamed, no client, and the provider is open to refreshes.
  const types = new Set(fixture.events.map(({ type }) => type));
  for (const harmless of ["refreshed", "code_rejected", "code_reused"] as const) types.delete(harmless);
  assert.deepEqual([...types], []);
  for (const grantId of grantIds) assert.equal((await vault.grant({ grantId })).state, "active");

  const rows = rejectedCodes(service);
  assert.ok(rows.length <= sent, `${rows.length} rows of ${sent} codes`);
  assert.deepEqual([...new Set(rows.map(({ state }) => state))], ["rejected"]);
  for (const { bytes } of rows) assert.ok(bytes < 1_000, `${bytes} bytes are kept of a rejected code`);
  const grown = onDisk(service) - diskBefore;
  assert.ok(grown < 5 * 2 ** 20, `${grown} bytes more on the disk`);
  const more = process.memoryUsage().rss - memoryBefore;
  assert.ok(more < 512 * 2 ** 20, `${more} bytes more in memory, of the flood's sender, too`);

  // Afterwards everything is as before.
  const code = fixture.code("honest@example.com");
  const honest = await ask("/authcode", { method: "POST", headers: json, body: JSON.stringify({ authCode: code }) });
  assert.equal(honest.status, 200, await honest.text());
  assert.deepEqual(service.faults, []);
  const told = (times: readonly number[]): string =>
    [0.5, 0.99].map((at) => `${quantile(times, at).toFixed(0)} ms`).join(" and ");
  t.diagnostic(`refreshes, median and 99th percentile: ${told(quiet)} quiet, ${told(busy)} in the flood`);
  t.diagnostic(`${sent} codes sent, ${grown} bytes on the disk, ${more} in memory; ${JSON.stringify([...counts])}`);
}
