/**
 * `node bench/commits-postgres.ts`: what a PostgreSQL store's commits cost, for 1, 8 and 64 at once, beside what somebody
 * would write by hand with `pg`: transactions a second, CPU of this process and of the server for each transaction.
 * Contenders take turns; told is the median of the rounds. CPU times are comparable on a busy machine; rates are not.
 *
 * BENCH_ROUNDS (5), BENCH_SECONDS of one measurement (1), BENCH_ONLY (a word of a contender's name).
 */
import { randomBytes } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { systemClock } from "../src/core/clock.ts";
import { postgres } from "../src/store/postgres/index.ts";
import type { Store } from "../src/store/store.ts";
import type { TokenColumns } from "../src/store/grant-row.ts";
import { grant, owner } from "../src/store/suite/rows.ts";
import { freePort } from "../test/support/free-port.ts";
import { EmbeddedPostgres } from "../tools/embedded-postgres.ts";

const rounds = Number(process.env["BENCH_ROUNDS"] ?? 5);
const seconds = Number(process.env["BENCH_SECONDS"] ?? 1);
const only = process.env["BENCH_ONLY"] ?? "";
/** A multiple of the workers, so that no two ever work on the same one. */
const grants = 4_096;
const concurrencies = [1, 8, 64] as const;
/** Of the processes' times in /proc. */
const ticksPerSecond = 100;

/** One transaction of a contender; `worker` works on grants that no other worker has. */
interface Contender {
  readonly name: string;
  /** How many transactions one call makes. */
  readonly transactions: number;
  run(worker: number, at: number): Promise<void>;
}

interface Figures {
  readonly perSecond: number;
  readonly ownMs: number;
  readonly serverMs: number;
}

const folder = await mkdtemp(join(tmpdir(), "onbehalf-bench-"));
const port = await freePort();
const server = new EmbeddedPostgres({
  databaseDir: folder,
  port,
  user: "postgres",
  password: "bench",
  createPostgresUser: userInfo().uid === 0,
  persistent: true,
  initdbFlags: ["--set", "scram_iterations=1"],
  postgresFlags: ["listen_addresses=127.0.0.1", "unix_socket_directories="].flatMap((setting) => ["-c", setting]),
  onLog: () => undefined,
  onError: () => undefined,
});
await server.initialise();
await server.start();
const url = `postgres://postgres:bench@127.0.0.1:${port}/postgres`;
try {
  const store = postgres(url);
  await store.open({ clock: systemClock });
  const hand = new pg.Pool({ connectionString: url, max: 8 });
  try {
    await measureAll([...(await ofStore(store)), ...(await byHand(hand))].filter(({ name }) => name.includes(only)));
  } finally {
    await hand.end();
    await store.close();
  }
} finally {
  await server.stop();
  await rm(folder, { recursive: true });
}

async function ofStore(store: Store): Promise<Contender[]> {
  const ids = Array.from({ length: grants }, (_, n) => `g_${String(n).padStart(20, "0")}`);
  const generations = new Map(ids.map((grantId) => [grantId, 1]));
  await atOnce(64, ids.length, async (n) => {
    const grantId = ids[n] ?? "";
    await store.saveFromIntake(grant({ grantId, ...answer(), profileSealed: randomBytes(300) }), null, randomBytes(32));
  });
  let made = 0;
  const next = ofEachWorker(ids.length);
  return [
    {
      name: "store: an attempt and its commit",
      transactions: 2,
      async run(worker, at) {
        const grantId = ids[next(worker)] ?? "";
        const generation = generations.get(grantId) ?? 0;
        const attemptId = `${worker}-${(made += 1)}`;
        const begun = await store.beginAttempt({ attemptId, grantId, generation, owner: owner("bench"), at });
        if (begun.kind !== "begun") throw new Error(`${grantId} is ${begun.kind}`);
        if ((await store.commitAttempt(grantId, generation, answer(), at)) !== "active") throw new Error("no commit");
        generations.set(grantId, generation + 1);
      },
    },
    {
      name: "store: a code's intake, journal and grant",
      transactions: 3,
      async run(_, at) {
        const codeHash = randomBytes(32);
        const grantId = `c_${randomBytes(12).toString("hex")}`;
        const contextSealed = randomBytes(200);
        await store.beginIntake({ codeHash, clientId: "client-1", owner: owner("bench"), contextSealed }, at);
        await store.journalAnswer(codeHash, randomBytes(1_200), contextSealed);
        const row = grant({ grantId, ...answer(), profileSealed: randomBytes(300), subjectHash: randomBytes(32) });
        if (!(await store.saveFromIntake(row, null, codeHash))) throw new Error("not saved");
      },
    },
    {
      name: "store: a read of a grant",
      transactions: 1,
      async run(worker) {
        await store.grantById(ids[next(worker)] ?? "");
      },
    },
  ];
}

async function byHand(pool: pg.Pool): Promise<Contender[]> {
  await pool.query(`CREATE TABLE by_hand (id TEXT PRIMARY KEY, version BIGINT NOT NULL, refreshing_until BIGINT,
    access BYTEA NOT NULL, refresh BYTEA NOT NULL, expires_at BIGINT NOT NULL)`);
  await pool.query(
    `INSERT INTO by_hand SELECT 'h_' || n, 1, NULL, $1::bytea, $2::bytea, 1 FROM generate_series(0, $3::int - 1) n`,
    [randomBytes(280), randomBytes(140), grants],
  );
  const next = ofEachWorker(grants);
  const inTransaction = async (work: (client: pg.PoolClient) => Promise<void>): Promise<void> => {
    const client = await pool.connect();
    try {
      await client.query("BEGIN");
      await work(client);
      await client.query("COMMIT");
    } finally {
      client.release();
    }
  };
  return [
    {
      name: "by hand: a claim and its update",
      transactions: 2,
      async run(worker, at) {
        const id = `h_${next(worker)}`;
        await inTransaction(async (client) => {
          await client.query("SELECT * FROM by_hand WHERE id = $1 FOR UPDATE", [id]);
          await client.query("UPDATE by_hand SET refreshing_until = $2 WHERE id = $1", [id, at + 30_000]);
        });
        await inTransaction(async (client) => {
          await client.query("SELECT version FROM by_hand WHERE id = $1 FOR UPDATE", [id]);
          await client.query(
            `UPDATE by_hand SET version = version + 1, refreshing_until = NULL, access = $2, refresh = $3, expires_at = $4
             WHERE id = $1`,
            [id, randomBytes(280), randomBytes(140), at],
          );
        });
      },
    },
    {
      name: "by hand: a grant of a code",
      transactions: 1,
      async run(_, at) {
        await pool.query("INSERT INTO by_hand VALUES ($1, 1, NULL, $2, $3, $4)", [
          randomBytes(12).toString("hex"),
          randomBytes(280),
          randomBytes(140),
          at,
        ]);
      },
    },
    {
      name: "by hand: a read of a row",
      transactions: 1,
      async run(worker) {
        await pool.query("SELECT access, expires_at FROM by_hand WHERE id = $1", [`h_${next(worker)}`]);
      },
    },
  ];
}

function answer(): TokenColumns {
  return {
    refreshSealed: randomBytes(140),
    refreshExpiresAt: null,
    consentExpiresAt: null,
    announceEndAt: null,
    refreshPrefixHash: randomBytes(32),
    refreshDigestHash: randomBytes(32),
    accessSealed: randomBytes(280),
    accessIssuedAt: Date.now(),
    accessExpiresAt: Date.now() + 3_600_000,
    scope: "openid email https://www.googleapis.com/auth/drive.appdata",
    lostScope: "",
  };
}

/** Gives each of 64 workers numbers that no other worker gets. */
function ofEachWorker(count: number): (worker: number) => number {
  const last = new Map<number, number>();
  return (worker) => {
    const number = ((last.get(worker) ?? worker - 64) + 64) % count;
    last.set(worker, number);
    return number;
  };
}

async function measureAll(contenders: readonly Contender[]): Promise<void> {
  const found = new Map<string, Figures[]>();
  for (let round = 0; round < rounds; round += 1) {
    for (const contender of contenders) {
      for (const workers of concurrencies) {
        const key = `${contender.name}, ${workers} at once`;
        const figures = await measure(contender, workers);
        found.set(key, [...(found.get(key) ?? []), figures]);
      }
    }
  }
  process.stdout.write("times a second; CPU here and CPU of the server for one, ms; both\n");
  for (const [key, all] of found) {
    const of = (pick: (each: Figures) => number): number => all.map(pick).sort((a, b) => a - b)[all.length >> 1] ?? 0;
    const [rate, own, theirs] = [of((x) => x.perSecond), of((x) => x.ownMs), of((x) => x.serverMs)];
    const both = of((x) => x.ownMs + x.serverMs);
    process.stdout.write(`${key}: ${rate.toFixed(0)}; ${own.toFixed(3)}, ${theirs.toFixed(3)}; ${both.toFixed(3)}\n`);
  }
}

async function measure(contender: Contender, workers: number): Promise<Figures> {
  const began = performance.now();
  const own = process.cpuUsage();
  const theirs = serverCpuMs();
  let done = 0;
  const end = began + seconds * 1_000;
  await Promise.all(
    Array.from({ length: workers }, async (_, worker) => {
      while (performance.now() < end) {
        await contender.run(worker, Date.now());
        done += 1;
      }
    }),
  );
  const tookMs = performance.now() - began;
  const { user, system } = process.cpuUsage(own);
  return {
    perSecond: (done * 1_000) / tookMs,
    ownMs: (user + system) / 1_000 / done,
    serverMs: (serverCpuMs() - theirs) / done,
  };
}

/** CPU time of the server and of all its processes, those that have ended too, milliseconds. */
function serverCpuMs(): number {
  const postmaster = Number(readFileSync(join(folder, "postmaster.pid"), "utf8").split("\n")[0]);
  let ticks = 0;
  for (const pid of readdirSync("/proc").map(Number).filter(Boolean)) {
    const fields = statOf(pid);
    if (pid !== postmaster && Number(fields[1]) !== postmaster) continue;
    // utime and stime; of the postmaster also those of children that have ended.
    ticks += [11, 12, ...(pid === postmaster ? [13, 14] : [])].reduce((sum, at) => sum + Number(fields[at]), 0);
  }
  return (ticks * 1_000) / ticksPerSecond;
}

/** The fields of /proc/PID/stat from the third on; empty where the process has ended. */
function statOf(pid: number): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return [];
  }
}

async function atOnce(width: number, count: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let n = next++; n < count; n = next++) await work(n);
    }),
  );
}
