import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import type { Owner } from "../../core/take-over.ts";
import { ownerText } from "../sql/owner.ts";
import { Columns } from "../sql/sql.ts";
import type { Sql } from "../sql/sql.ts";

/** A living owner whose connection was cut takes its lock again well within this time, milliseconds. */
const reconnectMs = 5_000;
/** After the server itself was restarted or replaced, everybody has to come back first, milliseconds. */
const comebackMs = 30_000;

const serverStart = "floor(extract(epoch FROM pg_postmaster_start_time()) * 1000)::bigint";

/** Whether an advisory lock under `key` is held in this database; `pid` is who holds it. */
const holder = (key: string): string => `pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (classid::bigint << 32) | objid::bigint = ${key}`;

/**
 * Proof of death across machines. Each owner holds a session lock on an idle connection that leads straight to the
 * server. When its process dies, its kernel closes the connection, and the server lets the lock go at once; when it is
 * paused, however long, the kernel keeps the connection, and the lock stays.
 *
 * A lock may also be gone because the connection was cut or the server restarted. Then the owner takes it again, so
 * only a lock that stays gone is proof. An owner that never announced itself is unknown for good.
 *
 * @see https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
 */
export class PostgresPresence {
  readonly #database: Sql;
  readonly #ours = new Set<string>();
  /** Since when the lock of others has been gone, by this process's monotonic clock. */
  readonly #goneSince = new Map<string, number>();

  constructor(database: Sql) {
    this.#database = database;
  }

  async announce(owner: Owner, client: Client | undefined): Promise<void> {
    const text = ownerText(owner);
    this.#ours.add(text);
    try {
      if (client !== undefined) await hold(client, text);
    } catch {
      // The session begins anew, and takes the lock then. Until it has, this owner is unknown to others.
      await client?.end();
    }
  }

  /** Takes our locks on a new connection, after an old one was lost. */
  async resume(client: Client): Promise<void> {
    for (const text of this.#ours) await hold(client, text);
  }

  async livenessOf(owner: Owner): Promise<"alive" | "dead" | "unknown"> {
    const text = ownerText(owner);
    const [row] = await this.#database.all(
      `SELECT (server_started_at = ${serverStart})::int AS same_server,
         (EXISTS (SELECT 1 FROM ${holder("lock_key")}))::int AS held
       FROM owners WHERE owner = ?`,
      text,
    );
    if (row === undefined) return "unknown";
    const column = new Columns(row);
    if (column.number("held") === 1) {
      this.#goneSince.delete(text);
      return "alive";
    }
    const now = performance.now();
    const since = this.#goneSince.get(text) ?? now;
    this.#goneSince.set(text, since);
    return now - since >= (column.number("same_server") === 1 ? reconnectMs : comebackMs) ? "dead" : "unknown";
  }
}

async function hold(client: Client, text: string): Promise<void> {
  const key = lockKey(text);
  for (let tries = 1; !(await tryLock(client, key)); tries++) {
    if (tries > 20) throw new Error("the lock of this owner is held by somebody else");
    // Our own former connection, which we have lost and the server has not noticed losing: nobody else has this key.
    await client.query(`SELECT pg_terminate_backend(pid) FROM ${holder("$1::bigint")} AND pid <> pg_backend_pid()`, [
      key,
    ]);
    await sleep(50);
  }
  await client.query(
    `INSERT INTO owners (owner, lock_key, server_started_at, announced_at)
     VALUES ($1, $2, ${serverStart}, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)
     ON CONFLICT (owner) DO UPDATE SET server_started_at = EXCLUDED.server_started_at`,
    [text, key],
  );
  // Those who died long ago: nothing of theirs is left that anybody could ask about.
  await client.query(
    `DELETE FROM owners WHERE announced_at < floor(extract(epoch FROM clock_timestamp() - interval '1 day') * 1000)
       AND NOT EXISTS (SELECT 1 FROM ${holder("lock_key")})
       AND NOT EXISTS (SELECT 1 FROM attempts WHERE attempts.owner = owners.owner)`,
  );
}

async function tryLock(client: Client, key: string): Promise<boolean> {
  const { rows } = await client.query<{ got: number }>("SELECT pg_try_advisory_lock($1::bigint)::int AS got", [key]);
  return rows[0]?.got === 1;
}

/** A number that only this owner has, for all practical purposes. */
function lockKey(text: string): string {
  return createHash("sha256").update("onbehalf owner\n").update(text).digest().readBigInt64BE().toString();
}
