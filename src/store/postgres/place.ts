import { isOnbehalfError } from "../../core/errors.ts";
import type { StorePlace } from "../../core/epoch.ts";
import { number, text } from "../sql/column.ts";
import type { Sql } from "../sql/sql.ts";

const idColumn = text("id");
const timelineColumn = number("timeline");

/**
 * A server's identifier is made with its files: a replica has its primary's, and so has what was restored from a copy of the
 * files. A database that was dumped and loaded has another server's, or another number on the same one.
 *
 * @see https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-CONTROLDATA
 */
const selectPlace = `SELECT (SELECT system_identifier FROM pg_control_system())::text || ' ' ||
    (SELECT oid FROM pg_database WHERE datname = current_database())::text AS id,
  (SELECT timeline_id FROM pg_control_checkpoint()) AS timeline`;

/** Where a database is. A server that keeps that to itself leaves it open. */
export async function placeOf(database: Sql, path: string): Promise<StorePlace> {
  try {
    const [row = {}] = await database.all(selectPlace);
    return { id: idColumn.read(row), path, timeline: timelineColumn.read(row) };
  } catch (error) {
    if (isOnbehalfError(error, "store_unavailable")) throw error;
    return { id: "", path };
  }
}
