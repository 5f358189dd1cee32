/**
 * `npm run bench:scale`: what 300,000 grants in a SQLite file cost against 1,000: the start, idling, lists, look-ups, and
 * the memory of a process that has handed out 60,000 tokens. Ratios within one run count; durations are the machine's.
 */
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { masterKeysOf } from "../src/crypto/master-key.ts";
import { fixedClock, generateMasterKey, google, keyringFromKeys, openVault } from "../src/index.ts";
import type { Secret, Vault } from "../src/index.ts";
import { sqlite } from "../src/store/sqlite/index.ts";
import { openStoreKeyring } from "../src/vault/open/open-keyring.ts";
import { filledAt, fillSqlite } from "../test/support/many-grants.ts";

const sizes = [1_000, Number(process.env["BENCH_GRANTS"] ?? 300_000)] as const;
const reads = Number(process.env["BENCH_READS"] ?? 60_000);
/** As long as Google's are. */
const token = `ya29.${"a".repeat(215)}`;

type Figures = Record<string, number>;

const folder = await mkdtemp(join(tmpdir(), "onbehalf-bench-"));
try {
  const [few, many] = [await measure(sizes[0]), await measure(sizes[1])];
  process.stdout.write(`${sizes[0]} grants, ${sizes[1]} grants, ratio\n`);
  for (const [name, value] of Object.entries(many)) {
    const base = few[name] ?? Number.NaN;
    process.stdout.write(`${name}: ${base.toFixed(1)}, ${value.toFixed(1)}, ${(value / base).toFixed(2)}\n`);
  }
} finally {
  await rm(folder, { recursive: true });
}

async function measure(grants: number): Promise<Figures> {
  const path = join(folder, `${grants}.db`);
  const key = generateMasterKey();
  await fillSqlite(path, grants);
  await sealTokens(path, key, Math.min(grants, reads));
  await (await open(path, key)).close();

  const started = performance.now();
  const vault = await open(path, key);
  const startMs = performance.now() - started;
  const beforeIdle = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, 20_000));
  const idle = process.cpuUsage(beforeIdle);
  const listMs = await timed(50, () => vault.grants({ state: "suspect" }));
  const pageMs = await timed(50, () => vault.grants({ state: "lapsed" }));
  globalThis.gc?.();
  const rss = process.memoryUsage.rss();
  const distinct = Math.min(grants, reads);
  for (let n = 1; n <= distinct; n += 1) if (n % 100 > 1) await vault.getAccessToken(`g_${n}`);
  globalThis.gc?.();
  const held = (process.memoryUsage.rss() - rss) / distinct;
  const { size } = await stat(path);
  await vault.close();
  return {
    "start, ms": startMs,
    "idle, ms of CPU in 20 s": (idle.user + idle.system) / 1_000,
    "a list of a state that none is in, ms": listMs,
    "a page of 50 lapsed, ms": pageMs,
    "memory for each token that was handed out, bytes": held,
    "memory in all, MB": process.memoryUsage.rss() / 1e6,
    "on disk for each grant, bytes": size / grants,
  };
}

function open(path: string, key: Secret): Promise<Vault> {
  return openVault({
    provider: google({ clientId: "client-1", clientSecret: "secret", baseUrl: "http://127.0.0.1:9" }),
    store: sqlite(path),
    keyring: keyringFromKeys(key),
    clock: fixedClock(new Date(filledAt).toISOString()),
  });
}

async function timed(times: number, work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  for (let n = 0; n < times; n += 1) await work();
  return (performance.now() - began) / times;
}

/** Seals what the reads will open; the rest of the file is noise that nobody opens. */
async function sealTokens(path: string, key: Secret, count: number): Promise<void> {
  const store = sqlite(path);
  await store.open({});
  const keyring = await openStoreKeyring(store, await masterKeysOf(keyringFromKeys(key)));
  await store.close();
  const database = new DatabaseSync(path);
  const update = database.prepare(
    "UPDATE grants SET access_sealed = ?, access_issued_at = ?, access_expires_at = ?, profile_sealed = ? WHERE grant_id = ?",
  );
  database.exec("PRAGMA synchronous = OFF; BEGIN");
  for (let n = 1; n <= count; n += 1) {
    const recordId = `g_${n}`;
    const place = { clientId: "client-1", recordId };
    const access = keyring.seal(token, { ...place, column: "grants.access_token", generation: 1 });
    const profile = keyring.seal(JSON.stringify({ profile: { sub: recordId }, externalIds: [] }), {
      ...place,
      column: "grants.profile",
      generation: 0,
    });
    if (n % 100 !== 0) update.run(access, filledAt, filledAt + 3_600_000, profile, recordId);
    else database.prepare("UPDATE grants SET profile_sealed = ? WHERE grant_id = ?").run(profile, recordId);
  }
  database.exec("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
  database.close();
}
