import { DatabaseSync } from "node:sqlite";
import { Client } from "pg";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { changesAtOnce } from "../../src/store/store.ts";
import type { Store } from "../../src/store/store.ts";

/** When the grants of {@link fillSqlite} and {@link fillPostgres} were last exchanged: hours to 29 days before this time. */
export const filledAt = Date.parse("2026-11-22T00:00:00Z");
/** One code a millisecond ended from here on. Later than any time in the suite of the stores, whose sweeps find none. */
export const codesEndedAt = Date.parse("2030-01-01T00:00:00Z");

/** As long as a keyed hash where grants are wide. */
const hash = (kind: string, n: string, { isWide = false }: Filling = {}): string =>
  isWide ? `substr('${kind} ' || ${n} || '${".".repeat(32)}', 1, 32)` : `'${kind} ' || ${n}`;

/** What a filled store is for. */
export interface Filling {
  /** When the youngest exchange was; default: an hour before {@link filledAt}. */
  readonly at?: number;
  /**
   * Values as long as Google's, with external ids and a row of the audit log for each grant, and nothing else. Default: short
   * values, and as many rows in every other table.
   */
  readonly isWide?: boolean;
}

const googles = {
  clientId: "1234567890-abc123def456.apps.googleusercontent.com",
  scope: `openid email profile ${["drive.file", "userinfo.email", "userinfo.profile"].map((each) => `https://www.googleapis.com/auth/${each}`).join(" ")}`,
};

/** The client of wide grants. */
export const wideClientId = googles.clientId;

/** Of each hundred grants, one is revoked and one has lapsed; the others are in use. None needs any work. */
const columns = (
  n: string,
  bytes: (text: string) => string,
  blob: (length: number) => string,
  { at = filledAt, isWide = false }: Filling,
): string => {
  const state = `CASE ${n} % 100 WHEN 0 THEN 'revoked' WHEN 1 THEN 'lapsed' ELSE 'active' END`;
  const held = (value: string): string => `CASE WHEN ${n} % 100 = 0 THEN NULL ELSE ${value} END`;
  // Within 29 days, evenly: a sixth of them were not used for longer than any idle grant may be, and none is refreshed yet.
  const exchangedAt = `${at} - 3600000 - ${n} % 1000 * CAST(2496000 AS BIGINT)`;
  // Half of them at a provider that announces when refresh tokens end: in half a year.
  const announcedEnd = `CASE ${n} % 2 WHEN 0 THEN ${exchangedAt} + 15552000000 END`;
  return `'g_' || ${n}, 'google', 'https://accounts.google.com', '${isWide ? googles.clientId : "client-1"}',
    ${bytes(hash("subject", n, { isWide }))}, ${blob(isWide ? 430 : 180)}, '${isWide ? googles.scope : "openid email profile"}', ${state},
    CASE ${n} % 100 WHEN 0 THEN 'revoked' WHEN 1 THEN 'invalid_grant' END, ${filledAt}, 1,
    ${held(blob(150))}, ${held(announcedEnd)}, ${held(bytes(hash("prefix", n, { isWide })))}, ${held(bytes(hash("digest", n, { isWide })))},
    ${held(blob(280))}, ${held(exchangedAt)}, ${held(`${exchangedAt} + 3600000`)}, NULL, NULL, NULL, 0, NULL,
    ${filledAt}, ${filledAt}`;
};

const names = `grant_id, provider, issuer, client_id, subject_hash, profile_sealed, scope, state, reason,
  state_since, generation, refresh_sealed, refresh_expires_at, refresh_prefix_hash, refresh_digest_hash, access_sealed,
  access_issued_at, access_expires_at, last_refresh_at, last_error, last_error_at, failures, retry_at, created_at, updated_at`;

const externalIdNames = "external_hash, client_id, provider, account_hash, grant_id";
const externalId = (n: string, bytes: (text: string) => string, { isWide = false }: Filling): string =>
  `${bytes(hash("external", n, { isWide }))}, '${isWide ? googles.clientId : "client-1"}', 'google', ${bytes(hash("account", n, { isWide }))}, 'g_' || ${n}`;

const ticketNames = "ticket_hash, context_sealed, issued_at";
const connectNames = "connect_hash, asked_sealed, flow_sealed, state_hash, tries, created_at, expires_at";
const handleNames = "handle_id, grant_id, provider, caller_id, name, secret_hash, created_at, rights_mac";
const sessionNames = "session_id, caller_id, session_hash, limits_sealed, begun_at, ends_at, session_mac";
const callerNames = "caller_id, name, key_hash, permissions, created_at";
const depositNames = "token_hash, grant_id, result_mac, deposited_at";

const eventNames = "event_id, at, type, grant_id, provider, client_id, body";
const event = `'evt_' || n, ${filledAt}, 'grant.created', 'g_' || n, 'google', 'client-1', '{"offline":true}'`;

/** One row of the audit log for each grant, after the one that says that there are keys. */
const auditNames = "seq, record_id, at, caller, action, grant_id, generation, outcome, mac, link";
const audit = (n: string, blob: (length: number) => string): string =>
  `${n} + 1, 'record ' || ${n}, ${filledAt}, 'caller-' || (${n} % 10), 'grant.created', 'g_' || ${n}, 1, 'active',
   ${blob(32)}, ${blob(32)}`;

/** Makes a SQLite file with so many grants, and ended codes beside them, with SQL alone: 300,000 in seconds. */
export async function fillSqlite(path: string, grants: number, filling: Filling = {}): Promise<void> {
  const store = sqlite(path);
  await store.open({});
  await store.close();
  const database = new DatabaseSync(path);
  const series = `WITH RECURSIVE series (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < ${grants})`;
  // With room for the indexes of hashes: each row goes to another page of them, and with little room each page is written and read
  // a dozen times.
  database.exec(`PRAGMA synchronous = OFF; PRAGMA cache_size = -2000000; BEGIN;
    INSERT INTO grants (${names}) ${series}
      SELECT ${columns(
        "n",
        (text) => `CAST(${text} AS BLOB)`,
        (length) => `randomblob(${length})`,
        filling,
      )} FROM series;
    INSERT INTO external_ids (${externalIdNames}) ${series}
      SELECT ${externalId("n", (text) => `CAST(${text} AS BLOB)`, filling)} FROM series;
    INSERT INTO audit (${auditNames}) ${series} SELECT ${audit("n", (length) => `randomblob(${length})`)} FROM series;
    UPDATE audit_head SET seq = ${grants} + 1`);
  if (filling.isWide !== true)
    database.exec(`INSERT INTO deposits (${depositNames}) ${series}
      SELECT randomblob(32), 'g_' || n, randomblob(32), ${filledAt} FROM series;
    INSERT INTO handles (${handleNames}) ${series}
      SELECT 'handle ' || n, 'g_' || n, 'google', 'caller-' || (n % 10), 'name', randomblob(32), ${filledAt}, randomblob(32) FROM series;
    INSERT INTO intakes (code_hash, state, client_id, owner, context_sealed, started_at, ended_at) ${series}
      SELECT randomblob(32), 'done', 'client-1', '{}', randomblob(100), ${codesEndedAt}, ${codesEndedAt} + n FROM series;
    INSERT INTO tickets (${ticketNames}) ${series}
      SELECT randomblob(32), randomblob(200), ${codesEndedAt} + n FROM series;
    INSERT INTO connects (${connectNames}) ${series}
      SELECT randomblob(32), randomblob(200), randomblob(200), randomblob(32), 0, ${codesEndedAt}, ${codesEndedAt} + n FROM series;
    INSERT INTO probes (grant_id, begun_at) ${series} SELECT 'g_' || n, ${filledAt} FROM series;
    INSERT INTO events (${eventNames}) ${series} SELECT ${event} FROM series;
    INSERT INTO signals (signal_hash, state_hash, received_at) ${series} SELECT randomblob(32), randomblob(32), ${codesEndedAt} + n FROM series;
    INSERT INTO grant_signals (grant_id, event, happened_at, received_at, effect) ${series}
      SELECT 'g_' || n, 'account-disabled', ${filledAt}, ${filledAt}, 'suspect' FROM series;
    INSERT INTO webhook_waiting (seq, line, tries, dead_at) ${series} SELECT n, 'g_' || n, 1, ${filledAt} FROM series WHERE n <= 400;
    INSERT INTO callers (${callerNames}) SELECT 'caller-' || n, 'caller-' || n, randomblob(32), '[]', ${filledAt}
      FROM (WITH RECURSIVE few (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM few WHERE n < 9) SELECT n FROM few);
    INSERT INTO sessions (${sessionNames}) ${series}
      SELECT 'session-' || n, 'caller-' || (n % 10), randomblob(32), randomblob(200), ${codesEndedAt}, ${codesEndedAt} + n,
        randomblob(32) FROM series`);
  database.exec("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
  database.close();
}

/** Fills a PostgreSQL database that has the schema and nothing in it, and lets the server look at what is there. */
export async function fillPostgres(connectionString: string, grants: number, filling: Filling = {}): Promise<void> {
  const series = `generate_series(1, ${grants}) AS n`;
  const blob = (length: number): string =>
    `substr(convert_to(repeat(md5(n::text), ${Math.ceil(length / 32)}), 'UTF8'), 1, ${length})`;
  // Without its trigger: to number each change by itself takes most of a minute.
  const client = new Client({ connectionString });
  await client.connect();
  await client.query(
    `SET session_replication_role = replica; SET synchronous_commit = off;
     INSERT INTO grants (${names})
       SELECT ${columns("n", (text) => `convert_to(${text}, 'UTF8')`, blob, filling)} FROM ${series};
     INSERT INTO external_ids (${externalIdNames})
       SELECT ${externalId("n", (text) => `convert_to(${text}, 'UTF8')`, filling)} FROM ${series};
     INSERT INTO grant_changes (grant_id, change_seq) SELECT 'g_' || n, n FROM ${series};
     UPDATE change_counter SET change_seq = ${grants};
     INSERT INTO audit (${auditNames}) SELECT ${audit("n", blob)} FROM ${series};
     UPDATE audit_head SET seq = ${grants} + 1`,
  );
  if (filling.isWide !== true)
    await client.query(
      `INSERT INTO deposits (${depositNames})
       SELECT convert_to(md5(n::text), 'UTF8'), 'g_' || n, ${blob(32)}, ${filledAt} FROM ${series};
     INSERT INTO handles (${handleNames})
       SELECT 'handle ' || n, 'g_' || n, 'google', 'caller-' || (n % 10), 'name', ${blob(32)}, ${filledAt}, ${blob(32)} FROM ${series};
     INSERT INTO intakes (code_hash, state, client_id, owner, context_sealed, started_at, ended_at)
       SELECT convert_to(md5(n::text), 'UTF8'), 'done', 'client-1', '{}', ${blob(100)}, ${codesEndedAt},
         ${codesEndedAt} + n FROM ${series};
     INSERT INTO tickets (${ticketNames})
       SELECT convert_to(md5(n::text), 'UTF8'), ${blob(200)}, ${codesEndedAt} + n FROM ${series};
     INSERT INTO connects (${connectNames})
       SELECT convert_to(md5(n::text), 'UTF8'), ${blob(200)}, ${blob(200)}, convert_to(md5(n::text || ' state'), 'UTF8'), 0,
         ${codesEndedAt}, ${codesEndedAt} + n FROM ${series};
     INSERT INTO probes (grant_id, begun_at) SELECT 'g_' || n, ${filledAt} FROM ${series};
     INSERT INTO events (seq, ${eventNames}) SELECT n, ${event} FROM ${series};
     UPDATE event_head SET seq = ${grants};
     INSERT INTO signals (signal_hash, state_hash, received_at)
       SELECT convert_to(md5(n::text), 'UTF8'), convert_to(md5(n::text || ' state'), 'UTF8'), ${codesEndedAt} + n FROM ${series};
     INSERT INTO grant_signals (grant_id, event, happened_at, received_at, effect)
       SELECT 'g_' || n, 'account-disabled', ${filledAt}, ${filledAt}, 'suspect' FROM ${series};
     INSERT INTO webhook_waiting (seq, line, tries, dead_at) SELECT n, 'g_' || n, 1, ${filledAt} FROM ${series}
       WHERE n <= 400;
     INSERT INTO callers (${callerNames})
       SELECT 'caller-' || n, 'caller-' || n, ${blob(32)}, '[]', ${filledAt} FROM generate_series(0, 9) AS n;
     INSERT INTO sessions (${sessionNames})
       SELECT 'session-' || n, 'caller-' || (n % 10), ${blob(32)}, ${blob(200)}, ${codesEndedAt}, ${codesEndedAt} + n,
         ${blob(32)} FROM ${series}`,
    );
  await client.query("VACUUM ANALYZE");
  await client.end();
}

/** How many grants a poller hears of that begins at the first change, page after page. */
export async function countChanges(store: Store): Promise<number> {
  let counted = 0;
  for (let seq = 0; ;) {
    const { seq: latest, changes } = await store.changesSince(seq);
    if (changes.length > changesAtOnce) throw new Error(`${changes.length} changes at once`);
    counted += changes.length;
    seq = latest;
    if (changes.length < changesAtOnce) return counted;
  }
}
