/**
 * Fills a store with grants, in a process of its own: what filling leaves in memory would be copied, as far as the system notes it,
 * for each program that its process starts, and make each start slower.
 *
 * Arguments: `SQLite` or `PostgreSQL`, where, how many grants, the master key.
 */
import { postgres } from "../../src/store/postgres/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { fillPostgres, fillSqlite } from "../../test/support/many-grants.ts";
import { vaultOver } from "../filled-store.ts";

const [kind = "", where = "", grants = "", masterKey = ""] = process.argv.slice(2);
const isSqlite = kind === "SQLite";
// The keys first: a store with grants and without them is damaged.
await (await vaultOver({ masterKey }, isSqlite ? sqlite(where) : postgres(where))).close();
await (isSqlite ? fillSqlite(where, Number(grants)) : fillPostgres(where, Number(grants)));
