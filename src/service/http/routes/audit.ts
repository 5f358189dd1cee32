/** The route by which a caller reads the audit log. */
import { parseGrantRef } from "../../../index.ts";
import { defined } from "../../../core/defined.ts";
import { auditBody, wholeNumber } from "../json-bodies.ts";
import { queryOf } from "../query.ts";
import { json } from "./router.ts";
import type { Router } from "./router.ts";

export function auditRoutes({ forCallers }: Router): void {
  forCallers("/v1/audit", {
    GET: [
      "audit",
      async (context, view) => {
        const query = queryOf(context);
        const after = wholeNumber("after", query.get("after"), 0, Number.MAX_SAFE_INTEGER);
        const limit = wholeNumber("limit", query.get("limit"), 1, 500);
        const named = query.get("grant");
        const ref = named === undefined ? undefined : parseGrantRef(named, query.get("provider"), query.get("account"));
        const { rows, next } = await view.audit(defined({ after, limit, ref, caller: query.get("caller") }));
        return json({ rows: rows.map(auditBody), next });
      },
    ],
  });
}
