import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { copyFileSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { SQLInputValue, SQLOutputValue } from "node:sqlite";
import { test } from "node:test";
import { OnbehalfError, google } from "../../src/index.ts";
import type { Grant, Provider, Vault } from "../../src/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { testVault, usualScope } from "../support/test-vault.ts";

/*
 * Somebody can write the database, and has no key. Whatever they change, each verb gives what belongs to the person who
 * was asked for, or refuses. The edits are made from the schema: a column that is added later is tried as well.
 */

type Value = SQLOutputValue;
type Row = Readonly<Record<string, Value>>;

/** One person's grant with one client, and what is known of it outside the vault. */
interface Known {
  readonly email: string;
  readonly provider: string;
  readonly grantId: string;
  readonly subject: string;
  readonly externalId: string;
  /** The request whose result may be asked for again. */
  readonly request: Parameters<Vault["exchangeCode"]>[0];
}

interface Edit {
  readonly name: string;
  readonly apply: (database: DatabaseSync) => void;
}

/** Tables in which nothing says who gets what: what is in them cannot be mixed up. */
const noRights = new Set(["onbehalf_migrations", "sqlite_sequence"]);

const bytes = randomBytes(32);

/** Every edit of every column of one row of each person, and of the row as a whole. */
function* edits(now: string, before: string): Generator<Edit> {
  const [current, older] = [now, before].map((path) => new DatabaseSync(path, { readOnly: true })) as [
    DatabaseSync,
    DatabaseSync,
  ];
  try {
    const tables = current.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all() as { name: string }[];
    for (const { name: table } of tables) {
      if (noRights.has(table)) continue;
      const columns = current.prepare(`SELECT name, pk FROM pragma_table_info('${table}')`).all() as {
        name: string;
        pk: number;
      }[];
      const keys = columns.filter(({ pk }) => pk > 0).map(({ name }) => name);
      const time = columns.find(({ name }) => ["created_at", "started_at", "received_at"].includes(name))?.name;
      const rows = current.prepare(`SELECT * FROM ${table} ORDER BY ${time ?? columns[0]?.name ?? "1"}`).all();
      const earlier = older.prepare(`SELECT * FROM ${table}`).all();
      const where = keys.map((key) => `${key} IS ?`).join(" AND ");
      const idOf = (row: Row): SQLInputValue[] => keys.map((key) => row[key] ?? null);
      // One row is changed, and what stands in all others is tried in it: rows are alike.
      for (const [index, row] of rows.slice(0, 1).entries()) {
        const which = `${table}[${index}]`;
        yield {
          name: `${which} deleted`,
          apply: (database) => void database.prepare(`DELETE FROM ${table} WHERE ${where}`).run(...idOf(row)),
        };
        const same = earlier.find((other) => keys.every((key) => isSame(other[key], row[key])));
        if (same !== undefined) {
          yield {
            name: `${which} as it was`,
            apply: (database) =>
              void database
                .prepare(`UPDATE ${table} SET ${columns.map(({ name }) => `${name} = ?`).join(", ")} WHERE ${where}`)
                .run(...columns.map(({ name }) => same[name] ?? null), ...idOf(row)),
          };
        }
        for (const { name: column } of columns) {
          const set = (value: Value | undefined) => (database: DatabaseSync) =>
            void database.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${where}`).run(value ?? null, ...idOf(row));
          const values = new Map<string, Value | undefined>();
          values.set("null", null);
          if (same !== undefined) values.set("its older value", same[column]);
          forgeries(row[column] ?? null).forEach((value, n) => values.set(`a forgery (${n})`, value));
          for (const [name, value] of values) {
            if (!isSame(value, row[column])) yield { name: `${which}.${column} = ${name}`, apply: set(value) };
          }
          // The same person's with the other client, and the other person's.
          for (const [n, other] of rows.slice(0, 3).entries()) {
            if (n === index || isSame(other[column], row[column])) continue;
            yield { name: `${which}.${column} = that of [${n}]`, apply: set(other[column]) };
            yield {
              name: `${which}.${column} swapped with [${n}]`,
              apply(database) {
                const update = database.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${where}`);
                // A unique column must not hold one value twice on the way.
                const meanwhile = typeof row[column] === "number" ? -7 : typeof row[column] === "string" ? "x" : bytes;
                const idMeanwhile = keys.map((key) => (key === column ? meanwhile : (row[key] ?? null)));
                update.run(meanwhile, ...idOf(row));
                update.run(row[column] ?? null, ...idOf(other));
                update.run(other[column] ?? null, ...idMeanwhile);
              },
            };
          }
        }
      }
    }
  } finally {
    current.close();
    older.close();
  }
}

function isSame(one: Value | undefined, other: Value | undefined): boolean {
  if (one instanceof Uint8Array && other instanceof Uint8Array) return Buffer.compare(one, other) === 0;
  return one === other;
}

/** What somebody might write there who knows the schema. */
function forgeries(value: Value): readonly Value[] {
  if (value instanceof Uint8Array) return [randomBytes(value.length), new Uint8Array(0)];
  if (typeof value === "number" || typeof value === "bigint") return [0, 4_000_000_000_000];
  if (value === null) return [4_000_000_000_000, "x", randomBytes(32)];
  const states = [
    // Not `revoking`: that has the provider end the grant, as it must.
    ["active", "suspect", "lapsed", "revoked"],
    ["spending", "answered", "done", "rejected"],
  ];
  return states.find((each) => each.includes(value)) ?? ["x"];
}

test("whoever writes the database without a key never gets another person's token, profile or assertion", async (t) => {
  const fixture = await testVault(t);
  const { standin, clock, path, provider, events } = fixture;
  const second = standin.client({ clientSecret: "second-secret" });
  const providers: Provider[] = [
    provider,
    { ...google({ clientId: second.clientId, clientSecret: "second-secret", baseUrl: standin.url }), name: "second" },
  ];
  const clientIdOf = (name: string): string => (name === provider.name ? standin.clientId : second.clientId);
  const open = (at = path): Promise<Vault> => fixture.open({ providers, store: sqlite(at) });
  const vault = await open();
  const known: Known[] = [];
  for (const email of ["ada@example.com", "carl@example.com"]) {
    for (const { name } of providers) {
      const clientId = clientIdOf(name);
      clock.advance(1);
      const externalId = `user of ${email} at ${name}`;
      const request = { code: standin.code({ email, scope: usualScope, clientId }), provider: name, externalId };
      const grant = await vault.exchangeCode(request);
      known.push({ email, provider: name, grantId: grant.grantId, subject: grant.subject, externalId, request });
    }
  }
  await vault.close();
  copyFileSync(path, `${path}.before`);
  const later = await open();
  for (const [n, each] of known.entries()) {
    const clientId = clientIdOf(each.provider);
    const spec = { email: each.email, clientId };
    clock.advance(1);
    const request = { code: standin.code({ ...spec, scope: usualScope, force: true }), provider: each.provider };
    const grant = await later.exchangeCode(request);
    assert.equal(grant.grantId, each.grantId);
    known[n] = { ...each, request };
  }
  for (const { email, provider: at } of known) {
    const clientId = clientIdOf(at);
    clock.advance(1);
    // Kept beside the grant.
    await later.exchangeCode({ code: standin.code({ email, clientId, scope: "openid", force: true }), provider: at });
  }
  await later.close();
  const codes = new DatabaseSync(path);
  // Only the codes are left that are sent again.
  codes.exec(`DELETE FROM intakes WHERE started_at NOT IN
    (SELECT started_at FROM intakes ORDER BY started_at LIMIT ${known.length} OFFSET ${known.length})`);
  codes.close();
  copyFileSync(path, `${path}.now`);

  const wrong: string[] = [];
  const tried = { edits: 0, refused: 0, visible: 0 };
  for (const { name, apply } of edits(`${path}.now`, `${path}.before`)) {
    for (const end of ["-wal", "-shm"]) rmSync(`${path}${end}`, { force: true });
    copyFileSync(`${path}.now`, path);
    const database = new DatabaseSync(path);
    try {
      database.exec("PRAGMA foreign_keys = OFF");
      apply(database);
    } catch {
      // The schema itself refuses the edit.
      continue;
    } finally {
      database.close();
    }
    tried.edits += 1;
    events.length = 0;
    let refusals = 0;
    const attempt = async (what: string, email: string, verb: () => Promise<readonly string[]>): Promise<void> => {
      try {
        for (const got of await verb())
          if (got !== email && got !== nobody) wrong.push(`${name}: ${what} of ${email} gave ${got}`);
      } catch (error) {
        if (!(error instanceof OnbehalfError)) wrong.push(`${name}: ${what} of ${email} threw ${String(error)}`);
        refusals += 1;
      }
    };
    const opened = await openOrRefuse(open);
    if (opened === undefined) {
      tried.refused += 1;
      continue;
    }
    // Of the other client only the rows are there, to be mixed up with these.
    const asked = known.filter((each) => each.provider === provider.name);
    for (const each of asked) {
      const { email, provider: at, grantId, subject, externalId, request } = each;
      const refs = [{ grantId }, { subject, provider: at }, { externalId, provider: at }];
      for (const ref of refs) {
        await attempt(`the token by ${JSON.stringify(ref)}`, email, async () => [
          await ownerOf(standin.url, (await opened.getAccessToken(ref)).token),
        ]);
        await attempt(`the grant by ${JSON.stringify(ref)}`, email, async () => [emailOf(await opened.grant(ref))]);
        await attempt("siblings", email, async () => (await opened.siblings(ref)).map(emailOf));
      }
      for (const query of [{ subject }, { externalId }]) {
        await attempt("a list", email, async () =>
          (await opened.grants({ ...query, provider: at })).grants.map(emailOf),
        );
      }
      await attempt("the same code again", email, async () => [emailOf(await opened.exchangeCode(request))]);
    }
    for (const { email, provider: at, grantId, externalId } of asked) {
      const clientId = clientIdOf(at);
      const code = standin.code({ email, clientId, scope: "openid email" });
      await attempt("a new sign-in", email, async () => {
        const grant = await opened.exchangeCode({ code, provider: at, externalId });
        const { token } = await opened.getAccessToken(grant.grantId);
        return [emailOf(grant), emailOf(await opened.grant(grant.grantId)), await ownerOf(standin.url, token)];
      });
      await attempt("the token afterwards", email, async () => [
        await ownerOf(standin.url, (await opened.getAccessToken(grantId)).token),
      ]);
      await attempt("the token by the user id afterwards", email, async () => [
        await ownerOf(standin.url, (await opened.getAccessToken({ externalId, provider: at })).token),
      ]);
    }
    await opened.close();
    if (refusals > 0) tried.refused += 1;
    if (events.some(({ type }) => type === "unreadable")) tried.visible += 1;
  }
  assert.deepEqual(wrong, []);
  assert.ok(tried.edits > 200, `${tried.edits} edits`);
  assert.ok(tried.refused > 50, `${tried.refused} of them lead to a refusal`);
  assert.ok(tried.visible > 10, `${tried.visible} of them are told by an event`);
  t.diagnostic(JSON.stringify(tried));
});

/** A vault over what was edited; undefined where it refuses to open. Any other error is one. */
async function openOrRefuse(open: () => Promise<Vault>): Promise<Vault | undefined> {
  try {
    return await open();
  } catch (error) {
    if (error instanceof OnbehalfError) return undefined;
    throw error;
  }
}

function emailOf({ profile }: Grant): string {
  return String(profile.email);
}

/** Of a token that the provider has ended. */
const nobody = "nobody";

/** Whose token the provider says that this is. */
async function ownerOf(url: string, token: string): Promise<string> {
  const answer = await fetch(`${url}/v1/userinfo`, { headers: { authorization: `Bearer ${token}` } });
  const { email } = (await answer.json()) as { email?: string };
  return email ?? nobody;
}
