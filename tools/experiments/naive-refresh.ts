import { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../src/index.ts";

/**
 * The design that one writes first: a stealable lease in the row, which others take when it is over. It stands here
 * to be measured, and to show what it looks like. Do not copy it.
 */

/** How long a stealable lease lasts, milliseconds: more than twice as long as the provider takes. */
export const leaseMs = 5_000;

export interface NaiveOptions {
  readonly path: string;
  /** Store an answer only if nobody has taken over since: the usual advice. */
  readonly fencing: boolean;
  readonly clock: Clock;
  readonly fetch: typeof fetch;
  readonly standin: { readonly url: string; readonly clientId: string; readonly clientSecret: string };
}

interface Row {
  readonly refresh_token: string;
  readonly fence: number;
}

/** Makes the table, and puts one grant into it for each refresh token. */
export function naiveFile(path: string, refreshTokens: ReadonlyMap<string, string>): void {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode = WAL");
  database.exec(`CREATE TABLE grants (
    id TEXT PRIMARY KEY, refresh_token TEXT NOT NULL, access_expires_at INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER NOT NULL DEFAULT 0, fence INTEGER NOT NULL DEFAULT 0)`);
  const insert = database.prepare("INSERT INTO grants (id, refresh_token) VALUES (?, ?)");
  for (const [id, refreshToken] of refreshTokens) insert.run(id, refreshToken);
  database.close();
}

/** The refresh tokens that such a file holds in the end, by grant. */
export function naiveTokens(path: string): Map<string, string> {
  const database = new DatabaseSync(path, { readOnly: true });
  const rows = database.prepare("SELECT id, refresh_token FROM grants").all();
  database.close();
  return new Map(rows.map((row) => [String(row["id"]), String(row["refresh_token"])]));
}

/**
 * Refreshes a grant unless it was refreshed since it ended, by whomever.
 *
 * @returns once its access token lives again, or the provider has refused its refresh token
 */
export function naiveRefresher({ path, fencing, clock, fetch, standin }: NaiveOptions): (id: string) => Promise<void> {
  const database = new DatabaseSync(path, { timeout: 5_000 });
  const takeLease = database.prepare(
    "UPDATE grants SET lease_until = ?, fence = fence + 1 WHERE id = ? AND lease_until < ? RETURNING refresh_token, fence",
  );
  const expiry = database.prepare("SELECT access_expires_at FROM grants WHERE id = ?");
  const store = database.prepare(
    `UPDATE grants SET refresh_token = ?, access_expires_at = ?, lease_until = 0
     WHERE id = ?${fencing ? " AND fence = ?" : ""}`,
  );
  const giveBack = database.prepare("UPDATE grants SET lease_until = 0 WHERE id = ? AND fence = ?");

  return async (id) => {
    while (Number(expiry.get(id)?.["access_expires_at"]) <= clock.now()) {
      const now = Date.now();
      const leased = takeLease.get(now + leaseMs, id, now) as unknown as Row | undefined;
      if (leased === undefined) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        continue;
      }
      const response = await fetch(`${standin.url}/token`, {
        method: "POST",
        body: new URLSearchParams({
          grant_type: "refresh_token",
          refresh_token: leased.refresh_token,
          client_id: standin.clientId,
          client_secret: standin.clientSecret,
        }),
      });
      const answer = (await response.json()) as { refresh_token?: string; expires_in?: number };
      if (!response.ok) {
        giveBack.run(id, leased.fence);
        return;
      }
      const expiresAt = clock.now() + (answer.expires_in ?? 0) * 1000;
      store.run(answer.refresh_token ?? leased.refresh_token, expiresAt, id, ...(fencing ? [leased.fence] : []));
    }
  };
}
