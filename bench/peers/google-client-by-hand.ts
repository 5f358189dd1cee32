/**
 * What somebody would write by hand: Google's own client for each grant, and its tokens in a table. Nothing is sealed, and who
 * crashes between the answer and the commit has lost it. Its arguments: the path of a new SQLite file or the address of a
 * PostgreSQL database, how many grants, and where the provider is.
 */
import { DatabaseSync } from "node:sqlite";
import { OAuth2Client } from "google-auth-library";
import { serveWork } from "../worker.ts";

const [, , where = "", grants = "1", baseUrl = "", clientId = ""] = process.argv;

interface Stored {
  readonly access: string;
  readonly refresh: string;
  readonly expiresAt: number;
}
interface Table {
  refreshOf(n: number): Promise<string>;
  /** Resolves when it is durable. */
  save(n: number, stored: Stored): Promise<unknown>;
  add(subject: string, stored: Stored): Promise<unknown>;
}

const columns = "refresh TEXT NOT NULL, access TEXT, expires_at BIGINT";
const initial = (n: number): string => `1/p${n}/0/${"r".repeat(90)}`;

function inSqlite(): Table {
  const database = new DatabaseSync(where);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  database.exec(`CREATE TABLE grants (id INTEGER PRIMARY KEY, ${columns})`);
  database.exec(`CREATE TABLE people (subject TEXT PRIMARY KEY, ${columns}) WITHOUT ROWID; BEGIN`);
  const insert = database.prepare("INSERT INTO grants (id, refresh) VALUES (?, ?)");
  for (let n = 0; n < Number(grants); n += 1) insert.run(n, initial(n));
  database.exec("COMMIT");
  const select = database.prepare("SELECT refresh FROM grants WHERE id = ?");
  const update = database.prepare("UPDATE grants SET access = ?, refresh = ?, expires_at = ? WHERE id = ?");
  const upsert = database.prepare(
    "INSERT OR REPLACE INTO people (subject, access, refresh, expires_at) VALUES (?, ?, ?, ?)",
  );
  return {
    refreshOf: async (n) => (select.get(n) as { refresh: string }).refresh,
    save: async (n, { access, refresh, expiresAt }) => update.run(access, refresh, expiresAt, n),
    add: async (subject, { access, refresh, expiresAt }) => upsert.run(subject, access, refresh, expiresAt),
  };
}

async function inPostgres(): Promise<Table> {
  const { Pool } = await import("pg");
  const pool = new Pool({ connectionString: where, max: 10 });
  await pool.query(`CREATE TABLE hand_grants (id bigint PRIMARY KEY, ${columns})`);
  await pool.query(`CREATE TABLE hand_people (subject text PRIMARY KEY, ${columns})`);
  await pool.query(
    "INSERT INTO hand_grants (id, refresh) SELECT n, '1/p' || n || '/0/' || repeat('r', 90) FROM generate_series(0, $1) AS n",
    [Number(grants)],
  );
  return {
    async refreshOf(n) {
      const text = "SELECT refresh FROM hand_grants WHERE id = $1";
      const { rows } = await pool.query<{ refresh: string }>({ name: "select", text, values: [n] });
      return rows[0]?.refresh ?? "";
    },
    save: (n, { access, refresh, expiresAt }) =>
      pool.query({
        name: "update",
        text: "UPDATE hand_grants SET access = $1, refresh = $2, expires_at = $3 WHERE id = $4",
        values: [access, refresh, expiresAt, n],
      }),
    add: (subject, { access, refresh, expiresAt }) =>
      pool.query({
        name: "insert",
        text: "INSERT INTO hand_people (subject, access, refresh, expires_at) VALUES ($1, $2, $3, $4)",
        values: [subject, access, refresh, expiresAt],
      }),
  };
}

const table = where.startsWith("postgres") ? await inPostgres() : inSqlite();
const newClient = (): OAuth2Client =>
  new OAuth2Client({
    clientId,
    clientSecret: "secret",
    endpoints: { oauth2TokenUrl: `${baseUrl}/token`, oauth2FederatedSignonPemCertsUrl: `${baseUrl}/pem` },
  });
/** A client for each grant that was asked for once: it makes one request for all who ask at the same time. */
const clients = new Map<number, Promise<OAuth2Client>>();
async function clientOf(n: number): Promise<OAuth2Client> {
  const client = newClient();
  client.setCredentials({ refresh_token: await table.refreshOf(n) });
  return client;
}

// One for all codes: it keeps the provider's keys.
const ofCodes = newClient();

serveWork({
  async crowd(n) {
    let client = clients.get(n);
    if (client === undefined) clients.set(n, (client = clientOf(n)));
    await (await client).getAccessToken();
  },
  async refresh(n) {
    const client = newClient();
    const refresh = await table.refreshOf(n);
    client.setCredentials({ refresh_token: refresh });
    const { credentials } = await client.refreshAccessToken();
    await table.save(n, {
      access: credentials.access_token ?? "",
      refresh: credentials.refresh_token ?? refresh,
      expiresAt: credentials.expiry_date ?? 0,
    });
  },
  async code(n) {
    const { tokens } = await ofCodes.getToken(`4/p${n}/${"c".repeat(60)}`);
    const ticket = await ofCodes.verifyIdToken({ idToken: tokens.id_token ?? "", audience: clientId });
    await table.add(ticket.getUserId() ?? "", {
      access: tokens.access_token ?? "",
      refresh: tokens.refresh_token ?? "",
      expiresAt: tokens.expiry_date ?? 0,
    });
  },
});
