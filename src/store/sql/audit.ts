import { defined } from "../../core/defined.ts";
import { rowReader, selectList } from "./column.ts";
import { auditColumns } from "./tables.ts";
import type { Database } from "./sql.ts";
import { auditPruned, tokenReleased } from "../audit-store.ts";
import type { AuditEntry, AuditHead, AuditPrincipal, AuditStore } from "../audit-store.ts";

const readRow = rowReader(auditColumns);
const { seq, link } = auditColumns;
const readHead = rowReader<AuditHead>({ seq, link });

const select = `SELECT ${selectList(auditColumns)} FROM audit`;
const selectPrunings = `${select} WHERE action = '${auditPruned}' AND seq > 0 ORDER BY seq DESC LIMIT :limit`;

const selectRelease = `SELECT seq FROM audit WHERE action = '${tokenReleased}' AND grant_id = :grantId AND caller = :caller
  AND generation = :generation AND detail = :detail`;

/** Whether a release is in the log, as far as that can be said without a round trip. */
async function isReleased(database: Database, entry: AuditEntry, { caller }: AuditPrincipal): Promise<boolean> {
  const { action, grantId, generation, detail } = entry;
  if (database.readsAtOnce !== true || action !== tokenReleased) return false;
  return (await database.all(selectRelease, { grantId, caller, generation, detail })).length > 0;
}

/** The log as it is read. Rows are numbered and linked where transactions end, by each database in its own way. */
export function auditStore(database: Database): AuditStore {
  return {
    recordWith: (recordOf, isFallback) => database.recordWith(recordOf, isFallback),

    async appendAudit(entries) {
      const left: (typeof entries)[number][] = [];
      // What is there already needs no commit. After a start, that is most of what callers are given.
      for (const each of entries) if (!(await isReleased(database, ...each))) left.push(each);
      if (left.length === 0) return;
      await database.transaction(async (sql) => {
        for (const [entry, principal] of left) sql.note(entry, principal);
      }, []);
    },

    auditRows: async ({ after, limit, grantId, caller, newestFirst }) => {
      const where = [
        "seq > :after",
        ...(grantId === undefined ? [] : ["grant_id = :grantId"]),
        ...(caller === undefined ? [] : ["caller = :caller"]),
      ].join(" AND ");
      const text = `${select} WHERE ${where} ORDER BY seq ${newestFirst === true ? "DESC" : "ASC"} LIMIT :limit`;
      return (await database.all(text, defined({ after, limit, grantId, caller }))).map(readRow);
    },

    auditHead: async () => {
      const [head] = await database.all("SELECT seq, link FROM audit_head");
      return head === undefined ? { seq: 0, link: new Uint8Array() } : readHead(head);
    },

    auditPrunings: async (limit) => (await database.all(selectPrunings, { limit })).map(readRow),

    pruneAudit: (upTo) => database.transaction((sql) => sql.run("DELETE FROM audit WHERE seq <= :upTo", { upTo })),
  };
}
