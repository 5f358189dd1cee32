/**
 * `node tools/fleet/measure.ts`: what each step of the protocol costs PostgreSQL's server, in CPU time, log and disk, for
 * `tools/fleet/unit-costs.json`. CPU time and bytes do not depend on what else the machine does, but for a tenth.
 */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import pg from "pg";
import { childrenOf, cpuSecondsOfAll } from "../../bench/process-cpu.ts";
import { systemClock } from "../../src/core/clock.ts";
import type { TokenColumns } from "../../src/store/grant-row.ts";
import { postgres } from "../../src/store/postgres/index.ts";
import { grant, owner } from "../../src/store/suite/rows.ts";
import { newServer } from "../../test/support/postgres-server.ts";
import type { MeasuredCosts } from "./unit-costs.ts";

const grants = 1_500;
const rounds = 3;
const sealed = { access: 280, refresh: 140, profile: 300 };

const server = await newServer();
await server.start();
try {
  const costs = await measure(server.url("postgres"));
  writeFileSync(new URL("unit-costs.json", import.meta.url), `${JSON.stringify(costs, null, 2)}\n`);
  process.stdout.write(`${JSON.stringify(costs, null, 2)}\n`);
} finally {
  await server.remove();
}

async function measure(url: string): Promise<MeasuredCosts> {
  const store = postgres(url);
  await store.open({ clock: systemClock });
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const first = async (sql: string): Promise<unknown> => Object.values((await client.query(sql)).rows[0] as object)[0];
  const cpuMs = (): number => 1_000 * cpuSecondsOfAll(serverProcesses());
  const ids = Array.from({ length: grants }, (_, n) => `g_${String(n).padStart(20, "0")}`);
  const generations = new Map(ids.map((id) => [id, 1]));
  const bytesBefore = Number(await first("SELECT pg_database_size(current_database())"));
  await atOnce(64, ids, async (grantId) => {
    const row = { ...answer(), grantId, subjectHash: randomBytes(32), profileSealed: randomBytes(sealed.profile) };
    await store.saveFromIntake(grant(row), null, randomBytes(32));
  });
  await client.query("VACUUM ANALYZE");
  const diskBytesAGrant = (Number(await first("SELECT pg_database_size(current_database())")) - bytesBefore) / grants;

  /** The server's CPU time of one call, the median of some rounds. */
  const each = async (
    many: number,
    workers: number,
    work: (id: string, n: number) => Promise<unknown>,
  ): Promise<number> => {
    const found: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const before = cpuMs();
      await atOnce(workers, ids.slice(0, many), work);
      found.push((cpuMs() - before) / many);
    }
    return found.sort((a, b) => a - b)[rounds >> 1] ?? 0;
  };
  let made = 0;
  const begin = async (grantId: string): Promise<string> => {
    const attemptId = `attempt-${(made += 1)}`;
    const generation = generations.get(grantId) ?? 0;
    const at = Date.now();
    const { kind } = await store.beginAttempt({ attemptId, grantId, generation, owner: owner("fleet"), at });
    if (kind !== "begun") throw new Error(`${grantId} is ${kind}`);
    return attemptId;
  };
  const refresh = async (grantId: string): Promise<void> => {
    await begin(grantId);
    const generation = generations.get(grantId) ?? 0;
    if ((await store.commitAttempt(grantId, generation, answer(), Date.now())) !== "active") throw new Error(grantId);
    generations.set(grantId, generation + 1);
  };
  const end = async (grantId: string): Promise<void> =>
    store.endAttempt(await begin(grantId), { error: "http_500", at: Date.now(), retryAt: null });

  const auditBefore = Number(await first("SELECT pg_total_relation_size('audit')"));
  const logBefore = await first("SELECT pg_current_wal_lsn()");
  const attemptAndCommit = await each(grants, 64, refresh);
  const refreshes = grants * rounds;
  const log = Number(await first(`SELECT pg_current_wal_lsn() - '${String(logBefore)}'::pg_lsn`));
  const audit = Number(await first("SELECT pg_total_relation_size('audit')")) - auditBefore;
  const attemptAndCommitAlone = await each(200, 1, refresh);
  const attemptAndEnd = await each(grants, 64, end);
  const attempts: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const before = cpuMs();
    await atOnce(64, ids, begin);
    attempts.push((cpuMs() - before) / grants);
    await client.query("DELETE FROM attempts");
  }
  const attempt = attempts.sort((a, b) => a - b)[rounds >> 1] ?? 0;
  const read = await each(grants, 8, (id) => store.grantById(id));
  const latest = await store.latestChange();
  const look = await each(grants, 8, () => store.changesSince(latest));
  const lookAt100 = await each(100, 8, () => store.changesSince(latest - 99));
  const page1 = await each(200, 8, () => store.listGrants({ after: "", limit: 1 }));
  const page100 = await each(200, 8, () => store.listGrants({ after: "", limit: 100 }));
  const version = String(await first("SHOW server_version"));
  await client.end();
  await store.close();
  const rounded = (value: number): number => Number(value.toPrecision(3));
  return {
    machine: `${cpus()[0]?.model ?? "unknown"}, Node ${process.versions.node}`,
    postgres: version,
    attemptAndCommit: rounded(attemptAndCommit),
    attemptAndCommitAlone: rounded(attemptAndCommitAlone),
    attempt: rounded(attempt),
    end: rounded(Math.max(0, attemptAndEnd - attempt)),
    read: rounded(read),
    look: rounded(look),
    change: rounded(Math.max(0, lookAt100 - look) / 99),
    page: rounded(page1),
    row: rounded(Math.max(0, page100 - page1) / 99),
    logBytesARefresh: Math.round(log / refreshes),
    diskBytesAGrant: Math.round(diskBytesAGrant),
    auditBytesARefresh: Math.round(audit / refreshes),
  };
}

/** The server and its backends: all that this process and they have started. */
function serverProcesses(): number[] {
  const postmasters = childrenOf(process.pid);
  const theirs = postmasters.flatMap(childrenOf);
  return [postmasters, theirs, theirs.flatMap(childrenOf)].flat();
}

function answer(): TokenColumns {
  const now = Date.now();
  return {
    refreshSealed: randomBytes(sealed.refresh),
    refreshExpiresAt: null,
    consentExpiresAt: null,
    announceEndAt: null,
    refreshPrefixHash: randomBytes(32),
    refreshDigestHash: randomBytes(32),
    accessSealed: randomBytes(sealed.access),
    accessIssuedAt: now,
    accessExpiresAt: now + 3_600_000,
    scope: "openid email https://www.googleapis.com/auth/drive.appdata",
    lostScope: "",
  };
}

async function atOnce(
  workers: number,
  ids: readonly string[],
  work: (id: string, n: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    for (let n = (next += 1) - 1; n < ids.length; n = (next += 1) - 1) await work(ids[n] ?? "", n);
  };
  await Promise.all(Array.from({ length: workers }, one));
}
