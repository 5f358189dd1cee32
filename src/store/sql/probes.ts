import { rowReader, selectList } from "./column.ts";
import { probeColumns } from "./tables.ts";
import type { Database } from "./sql.ts";
import type { ProbeStore } from "../probe-store.ts";

const readRow = rowReader(probeColumns);

const select = `SELECT ${selectList(probeColumns)} FROM probes WHERE grant_id = :grantId`;
const begin = `INSERT INTO probes (grant_id, begun_at) VALUES (:grantId, :at)
  ON CONFLICT (grant_id) DO UPDATE SET begun_at = EXCLUDED.begun_at, generation = NULL, checked_at = NULL, answer = NULL
    WHERE probes.begun_at <= :upTo AND COALESCE(probes.checked_at, probes.begun_at) <= :upTo
      OR probes.begun_at > :notAfter`;
const end = `UPDATE probes SET generation = :generation, checked_at = :checkedAt, answer = :answer
  WHERE grant_id = :grantId AND begun_at = :begunAt AND answer IS NULL`;

export function probeStore(database: Database): ProbeStore {
  return {
    probeOf: async (grantId) => {
      const [row] = await database.all(select, { grantId });
      return row === undefined ? undefined : readRow(row);
    },

    beginProbe: (grantId, at, { upTo, notAfter }) =>
      database.transaction(async (sql) => (await sql.run(begin, { grantId, at, upTo, notAfter })) === 1),

    endProbe: (found) => database.transaction(async (sql) => (await sql.run(end, { ...found })) === 1),
  };
}
