import type { AuditRecord } from "../audit-store.ts";
import { bound } from "./statements.ts";
import type { Statement } from "./statements.ts";

/**
 * All rows in one statement. The database numbers and links them at the commit (`link_audit`). Only a release may be
 * there already.
 */
const appendRecords = `INSERT INTO audit
    (record_id, at, caller, action, grant_id, generation, outcome, detail, request_id, session_id, anchor, mac)
  SELECT record_id, at, caller, action, grant_id, generation, outcome, detail, request_id, session_id, anchor, decode(mac, 'hex')
  FROM jsonb_to_recordset(:records::jsonb) AS added (record_id TEXT, at BIGINT, caller TEXT, action TEXT, grant_id TEXT,
    generation BIGINT, outcome TEXT, detail TEXT, request_id TEXT, session_id TEXT, anchor BIGINT, mac TEXT)
  ON CONFLICT (grant_id, caller, generation, detail) WHERE action = 'token.released' DO NOTHING`;

/** Adds rows to the audit log; nothing where there are none. */
export function appending(records: readonly AuditRecord[]): readonly Statement[] {
  return records.length === 0 ? [] : [bound(appendRecords, { records: jsonOf(records) })];
}

function jsonOf(records: readonly AuditRecord[]): string {
  return JSON.stringify(
    records.map(
      ({ recordId, at, caller, action, grantId, generation, outcome, detail, requestId, sessionId, anchor, mac }) => ({
        record_id: recordId,
        at,
        caller,
        action,
        generation,
        outcome,
        detail,
        grant_id: grantId,
        request_id: requestId,
        session_id: sessionId,
        anchor,
        mac: Buffer.from(mac).toString("hex"),
      }),
    ),
  );
}
