import { auditBody } from "../../service/http/json-bodies.ts";
import { openWithoutClient } from "../open-vault.ts";
import { printJson } from "../terminal/print.ts";

const pageSize = 500;

/** Prints the rows of the audit log, a line each. */
export async function exportRows(flags: { readonly after: number }): Promise<void> {
  await using vault = await openWithoutClient(flags);
  for (let { after } = flags; ;) {
    const rows = await vault.audit.list({ after, limit: pageSize });
    for (const row of rows) printJson(auditBody(row));
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageSize) return;
    after = last.seq;
  }
}
