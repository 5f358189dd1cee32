/**
 * `node bench/commits.ts`: what the SQLite store's transactions cost when many are due at once. A refresh is two of them
 * (its attempt, and its answer with a row of the audit log); a code is three. The reference is what somebody would write
 * by hand over node:sqlite: the same rows, each unit in transactions of its own, one after the other.
 *
 * Prints units a second, milliseconds of CPU time for each, and for how long the event loop stood still at most. Rounds are interleaved, and the medians are printed.
 * COMMITS_UNITS, COMMITS_ROUNDS and COMMITS_AT_ONCE (such as `1,8,64`) say how many.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { DatabaseSync } from "node:sqlite";
import { newGrant } from "../src/store/new-grant.ts";
import type { GrantRow, TokenColumns } from "../src/store/grant-row.ts";
import { sqlite } from "../src/store/sqlite/index.ts";
import type { Store } from "../src/store/store.ts";
import { quantile } from "./quantile.ts";

const units = Number(process.env["COMMITS_UNITS"] ?? 1_000);
const rounds = Number(process.env["COMMITS_ROUNDS"] ?? 5);
const sizes = (process.env["COMMITS_AT_ONCE"] ?? "1,8,64").split(",").map(Number);

const owner = { node: "host/boot/ns", pid: 4711, startedAt: "99", vault: "bench" };
const at = 1_800_000_000_000;

function tokens(): TokenColumns {
  return {
    refreshSealed: randomBytes(160),
    refreshExpiresAt: null,
    consentExpiresAt: null,
    announceEndAt: null,
    refreshPrefixHash: randomBytes(32),
    refreshDigestHash: randomBytes(32),
    accessSealed: randomBytes(260),
    accessIssuedAt: at,
    accessExpiresAt: at + 3_600_000,
    scope: "openid email https://www.googleapis.com/auth/drive.file",
    lostScope: "",
  };
}

function grant(grantId: string): GrantRow {
  return {
    grantId,
    provider: "google",
    issuer: "https://accounts.google.com",
    clientId: "1234567890-abc123def456.apps.googleusercontent.com",
    subjectHash: randomBytes(32),
    identityMac: randomBytes(32),
    profileSealed: randomBytes(400),
    ...newGrant,
    stateSince: at,
    createdAt: at,
    updatedAt: at,
    ...tokens(),
  };
}

interface Contender {
  refresh(grantId: string, generation: number): Promise<void>;
  code(): Promise<void>;
}

function overStore(store: Store): Contender {
  return {
    async refresh(grantId, generation) {
      const attemptId = randomUUID();
      const { kind } = await store.beginAttempt({ attemptId, grantId, generation, owner, at });
      if (kind !== "begun") throw new Error(`an attempt was ${kind}`);
      await store.commitAttempt(grantId, generation, tokens(), at);
    },
    async code() {
      const codeHash = randomBytes(32);
      await store.beginIntake({ codeHash, clientId: "client", owner, contextSealed: randomBytes(200) }, at);
      await store.journalAnswer(codeHash, randomBytes(1_500), randomBytes(200));
      await store.saveFromIntake(grant(`g_${randomUUID()}`), null, codeHash);
    },
  };
}

/** With the least that is needed to lose nothing, and no more columns than that. */
function byHand(path: string): Contender {
  const file = new DatabaseSync(path);
  file.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE grants (id TEXT PRIMARY KEY, generation INT, refresh BLOB, access BLOB, expires INT, profile BLOB) WITHOUT ROWID;
    CREATE TABLE attempts (grant_id TEXT PRIMARY KEY, attempt TEXT, generation INT, owner TEXT, at INT) WITHOUT ROWID;
    CREATE TABLE intakes (code BLOB PRIMARY KEY, state TEXT, context BLOB, answer BLOB) WITHOUT ROWID`);
  const [begin, commit] = ["BEGIN IMMEDIATE", "COMMIT"].map((text) => file.prepare(text));
  const attempt = file.prepare("INSERT INTO attempts VALUES (?, ?, ?, ?, ?)");
  const answer = file.prepare(
    "UPDATE grants SET generation = generation + 1, refresh = ?, access = ?, expires = ? WHERE id = ? AND generation = ?",
  );
  const end = file.prepare("DELETE FROM attempts WHERE grant_id = ?");
  const insert = file.prepare("INSERT OR REPLACE INTO grants VALUES (?, ?, ?, ?, ?, ?)");
  const intake = file.prepare("INSERT INTO intakes VALUES (?, ?, ?, NULL)");
  const journal = file.prepare("UPDATE intakes SET state = 'answered', answer = ? WHERE code = ?");
  const finish = file.prepare("UPDATE intakes SET state = 'done', answer = NULL WHERE code = ?");
  const made = new Set<string>();
  const transaction = (work: () => void): void => {
    begin?.run();
    work();
    commit?.run();
  };
  const addGrant = (grantId: string, { refreshSealed, accessSealed, profileSealed } = grant(grantId)): unknown =>
    insert.run(grantId, 1, refreshSealed, accessSealed, at, profileSealed);
  return {
    async refresh(grantId, generation) {
      if (!made.has(grantId)) {
        made.add(grantId);
        addGrant(grantId);
      }
      transaction(() => attempt.run(grantId, randomUUID(), generation, JSON.stringify(owner), at));
      const { refreshSealed, accessSealed, accessExpiresAt } = tokens();
      transaction(() => {
        answer.run(refreshSealed, accessSealed, accessExpiresAt, grantId, generation);
        end.run(grantId);
      });
    },
    async code() {
      const code = randomBytes(32);
      transaction(() => intake.run(code, "spending", randomBytes(200)));
      transaction(() => journal.run(randomBytes(1_500), code));
      transaction(() => {
        addGrant(`g_${randomUUID()}`);
        finish.run(code);
      });
    },
  };
}

interface Figure {
  readonly perSecond: number;
  readonly cpuMs: number;
  readonly stallMs: number;
}

/** Runs `units` of work, so many at once. */
async function measure(work: (unit: number, lane: number) => Promise<void>, atOnce: number): Promise<Figure> {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  const started = performance.now();
  const cpu = process.cpuUsage();
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async (_, lane) => {
      while (next < units) await work(next++, lane);
    }),
  );
  const perSecond = (units / (performance.now() - started)) * 1_000;
  const { user, system } = process.cpuUsage(cpu);
  delays.disable();
  return { perSecond, cpuMs: (user + system) / 1_000 / units, stallMs: delays.max / 1_000_000 };
}

const folder = mkdtempSync(join(tmpdir(), "onbehalf-commits-"));
const stores = [sqlite(join(folder, "store.db")), sqlite(join(folder, "thread.db"), { writerThread: true })] as const;
try {
  const lanes = Math.max(...sizes);
  const generations = new Map<string, number>();
  for (const store of stores) {
    await store.open({});
    for (let lane = 0; lane < lanes; lane++) {
      await store.saveFromIntake(grant(`g_${lane}`), null, randomBytes(32));
    }
  }
  const contenders = {
    "by hand": byHand(join(folder, "hand.db")),
    "the store": overStore(stores[0]),
    "with a thread": overStore(stores[1]),
  };
  const figures = new Map<string, Figure[]>();
  // The first round warms both up and is not counted.
  for (let round = 0; round <= rounds; round++) {
    for (const kind of ["refreshes", "codes"] as const) {
      for (const atOnce of sizes) {
        const order = Object.entries(contenders);
        for (const [name, contender] of round % 2 === 0 ? order : order.toReversed()) {
          const work = async (_unit: number, lane: number): Promise<void> => {
            if (kind === "codes") return contender.code();
            const key = `${name} ${lane}`;
            const generation = (generations.get(key) ?? 0) + 1;
            generations.set(key, generation);
            return contender.refresh(`g_${lane}`, generation);
          };
          const figure = await measure(work, atOnce);
          const key = `${kind}, ${atOnce} at once, ${name}`;
          if (round > 0) figures.set(key, [...(figures.get(key) ?? []), figure]);
        }
      }
    }
  }
  for (const [name, each] of figures) {
    const [rate, cpu, stall] = (["perSecond", "cpuMs", "stallMs"] as const).map((of) => each.map((one) => one[of]));
    const median = (values: readonly number[] = []): number => quantile(values, 0.5);
    const range = `${Math.round(quantile(rate ?? [], 0))} to ${Math.round(quantile(rate ?? [], 1))}`;
    process.stdout.write(
      `${name.padEnd(38)} ${String(Math.round(median(rate))).padStart(6)} a second (${range}), ` +
        `${median(cpu).toFixed(3)} ms of CPU each, stalls of ${median(stall).toFixed(1)} ms\n`,
    );
  }
} finally {
  for (const store of stores) await store.close();
  rmSync(folder, { recursive: true });
}
