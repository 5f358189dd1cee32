/**
 * What somebody would write by hand who keeps sealed tokens in a table of their own: one key, and the grant's id as additional data.
 * Nothing is recorded, refreshed or revoked.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { accessTokenOf, grantIdOf } from "../../tools/key-rotation/fill.ts";

const key = randomBytes(32);
const algorithm = "aes-256-gcm";

export interface SealedToken {
  readonly sealed: Uint8Array;
  readonly expiresAt: number;
}

function seal(grantId: string): Buffer {
  const nonce = randomBytes(12);
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: 16 }).setAAD(Buffer.from(grantId));
  return Buffer.concat([nonce, cipher.update(accessTokenOf(grantId), "utf8"), cipher.final(), cipher.getAuthTag()]);
}

function open(grantId: string, sealed: Uint8Array): string {
  const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, 12), { authTagLength: 16 });
  decipher.setAAD(Buffer.from(grantId)).setAuthTag(sealed.subarray(sealed.length - 16));
  return decipher.update(sealed.subarray(12, sealed.length - 16), undefined, "utf8") + decipher.final("utf8");
}

/** Reads one token and opens it; undefined where there is none. */
export type ReadToken = (
  grantId: string,
) => Promise<{ readonly token: string; readonly expiresAt: number } | undefined>;

const create = "CREATE TABLE tokens (grant_id TEXT PRIMARY KEY, sealed";
const expiresAt = Math.floor(Date.now() / 1_000) + 86_400;

export function tokensInSqlite(path: string, grants: number): ReadToken {
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA journal_mode = WAL; ${create} BLOB, expires_at INTEGER) STRICT, WITHOUT ROWID; BEGIN`);
  const insert = database.prepare("INSERT INTO tokens VALUES (?, ?, ?)");
  for (let n = 0; n < grants; n += 1) insert.run(grantIdOf(n), seal(grantIdOf(n)), expiresAt);
  database.exec("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
  const select = database.prepare("SELECT sealed, expires_at AS expiresAt FROM tokens WHERE grant_id = ?");
  return async (grantId) => {
    const row = select.get(grantId) as SealedToken | undefined;
    return row === undefined ? undefined : { token: open(grantId, row.sealed), expiresAt: row.expiresAt };
  };
}

export async function tokensInPostgres(connectionString: string, grants: number): Promise<ReadToken> {
  const { Pool } = await import("pg");
  const pool = new Pool({ connectionString, max: 10 });
  await pool.query(`${create} bytea, expires_at bigint)`);
  for (let from = 0; from < grants; from += 1_000) {
    const ids = Array.from({ length: Math.min(1_000, grants - from) }, (_, n) => grantIdOf(from + n));
    await pool.query("INSERT INTO tokens SELECT *, $3 FROM unnest($1::text[], $2::bytea[])", [
      ids,
      ids.map(seal),
      expiresAt,
    ]);
  }
  await pool.query("VACUUM ANALYZE tokens");
  const text = "SELECT sealed, expires_at FROM tokens WHERE grant_id = $1";
  return async (grantId) => {
    const { rows } = await pool.query<{ sealed: Buffer; expires_at: string }>({
      name: "read",
      text,
      values: [grantId],
    });
    const [row] = rows;
    return row === undefined ? undefined : { token: open(grantId, row.sealed), expiresAt: Number(row.expires_at) };
  };
}
