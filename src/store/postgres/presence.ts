import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import type { Owner } from "../../core/take-over.ts";
import { truth } from "../sql/column.ts";
import { ownerText } from "../sql/column.ts";
import type { Sql } from "../sql/sql.ts";
import { bound } from "./statements.ts";

/** A living owner whose connection was cut takes its lock again well within this time, milliseconds. */
export const reconnectMs = 5_000;
/** After the server itself was restarted or replaced, every owner has to reconnect first, milliseconds. */
const serverRestartMs = 30_000;
/** How often the lock is asked for while the server still counts our former connection as alive. */
const lockTries = 20;
const lockPauseMs = 50;

const serverStart = "floor(extract(epoch FROM pg_postmaster_start_time()) * 1000)::bigint";

/** What to select from to find who holds the advisory lock `key` in this database; `pid` is the session that does. */
const holderOf = (key: string): string => `pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (classid::bigint << 32) | objid::bigint = ${key}`;

const sameServer = truth("same_server");
const isHeld = truth("held");

/**
 * Proof of death across machines. Each owner holds a session lock on an idle connection that leads straight to the
 * server. When its process dies, its kernel closes the connection, and the server releases the lock at once. When the
 * process is only paused, for however long, its kernel keeps the connection, and the lock stays.
 *
 * A lock may also be gone because the connection was cut or the server restarted. Then the owner takes it again. So
 * only a lock that stays gone is proof. An owner that never announced itself stays unknown.
 *
 * @see https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
 */
export class PostgresPresence {
  readonly #database: Sql;
  readonly #ours = new Set<string>();
  /** Since when the lock of another owner has been gone, by this process's monotonic clock. */
  readonly #goneSince = new Map<string, number>();

  constructor(database: Sql) {
    this.#database = database;
  }

  /** @param client the direct connection; undefined while there is none, then {@link resume} announces the owner */
  async announce(owner: Owner, client: Client | undefined): Promise<void> {
    const text = ownerText(owner);
    this.#ours.add(text);
    try {
      if (client !== undefined) await holdLock(client, text);
    } catch {
      // The session is made again, and takes the lock then. Until it has, this owner is unknown to others.
      await client?.end();
    }
  }

  /** Takes our locks on a new connection, after an old one was lost. */
  async resume(client: Client): Promise<void> {
    for (const text of this.#ours) await holdLock(client, text);
  }

  /** `dead` only where it is proved. Proof takes time: ask again. */
  async livenessOf(owner: Owner): Promise<"alive" | "dead" | "unknown"> {
    const text = ownerText(owner);
    const [row] = await this.#database.all(
      `SELECT (server_started_at = ${serverStart})::int AS same_server,
         (EXISTS (SELECT 1 FROM ${holderOf("lock_key")}))::int AS held
       FROM owners WHERE owner = :owner`,
      { owner: text },
    );
    if (row === undefined) return "unknown";
    if (isHeld.read(row)) {
      this.#goneSince.delete(text);
      return "alive";
    }
    const now = performance.now();
    const since = this.#goneSince.get(text) ?? now;
    this.#goneSince.set(text, since);
    return now - since >= (sameServer.read(row) ? reconnectMs : serverRestartMs) ? "dead" : "unknown";
  }
}

async function holdLock(client: Client, owner: string): Promise<void> {
  const lockKey = lockKeyOf(owner);
  for (let tries = 1; !(await tryLock(client, lockKey)); tries++) {
    if (tries > lockTries) throw new Error("another session holds this owner's lock");
    // It is our own former connection, which the server has not noticed losing: nobody else has this key.
    const endHolder = `SELECT pg_terminate_backend(pid) FROM ${holderOf(":lockKey::bigint")} AND pid <> pg_backend_pid()`;
    await client.query(bound(endHolder, { lockKey }));
    await sleep(lockPauseMs);
  }
  await client.query(
    bound(
      `INSERT INTO owners (owner, lock_key, server_started_at, announced_at)
       VALUES (:owner, :lockKey, ${serverStart}, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)
       ON CONFLICT (owner) DO UPDATE SET server_started_at = EXCLUDED.server_started_at`,
      { owner, lockKey },
    ),
  );
  // Owners that died long ago: nothing of theirs is left that anybody could ask about. Nobody waits for it: whoever announces
  // itself does so at its start, and another one will take out what this one could not.
  const sweeping = client.query(
    `DELETE FROM owners WHERE announced_at < floor(extract(epoch FROM clock_timestamp() - interval '1 day') * 1000)
       AND NOT EXISTS (SELECT 1 FROM ${holderOf("lock_key")})
       AND NOT EXISTS (SELECT 1 FROM attempts WHERE attempts.owner = owners.owner)`,
  );
  sweeping.catch(() => undefined);
}

async function tryLock(client: Client, lockKey: string): Promise<boolean> {
  const statement = bound("SELECT pg_try_advisory_lock(:lockKey::bigint)::int AS got", { lockKey });
  const { rows } = await client.query<{ got: number }>(statement);
  return rows[0]?.got === 1;
}

/** A number that, for all practical purposes, only this owner has. */
function lockKeyOf(owner: string): string {
  return createHash("sha256").update("onbehalf owner\n").update(owner).digest().readBigInt64BE().toString();
}
