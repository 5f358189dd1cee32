/**
 * Better Auth, asked for tokens that have ended. Its arguments: the path of a new SQLite file or the address of a PostgreSQL
 * database, how many users, where the provider is, and the client's id there. What the provider answers counts as ended at once, so that each call
 * asks again.
 */
import { DatabaseSync } from "node:sqlite";
import { Pool } from "pg";
import { serveWork } from "../worker.ts";
import { betterAuthCodes, betterAuthUsers } from "./better-auth.ts";
import type { Tokens } from "./better-auth.ts";

const [, , where = "", count = "1", baseUrl = "", clientId = ""] = process.argv;
const ended = new Date(0);

async function refresh(refreshToken: string): Promise<Partial<Tokens>> {
  const response = await fetch(`${baseUrl}/token`, {
    method: "POST",
    body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: refreshToken, client_id: "client" }),
  });
  if (!response.ok) throw new Error(`the provider answered ${response.status}`);
  const answer = (await response.json()) as { access_token: string; refresh_token?: string };
  return {
    accessToken: answer.access_token,
    ...(answer.refresh_token === undefined ? {} : { refreshToken: answer.refresh_token }),
    accessTokenExpiresAt: ended,
  };
}

const tokensOf = (n: number): Tokens => ({
  accessToken: "ended",
  refreshToken: `1/b${n}/0/${"r".repeat(90)}`,
  accessTokenExpiresAt: ended,
});

const isPostgres = where.startsWith("postgres");
const sqlite = isPostgres ? undefined : new DatabaseSync(where);
const database = sqlite ?? new Pool({ connectionString: where, max: 10 });
sqlite?.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF");
const { users, accessToken } = await betterAuthUsers(database, Number(count), tokensOf, refresh);
const take = await betterAuthCodes(database, baseUrl, clientId);
sqlite?.exec("PRAGMA synchronous = FULL");

const read = (n: number): Promise<string> => {
  const user = users[n % users.length];
  if (user === undefined) throw new Error("there are no users");
  return accessToken(user);
};
serveWork({ refresh: read, crowd: read, code: (n) => take(`4/p${n}/${"c".repeat(60)}`) });
