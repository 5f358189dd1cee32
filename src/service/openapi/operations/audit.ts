/** The operation by which a caller reads the audit log. */
import { account, provider, ref, text } from "./operation.ts";
import type { Operation } from "./operation.ts";

export const auditOperations: readonly Operation[] = [
  {
    method: "get",
    path: "/v1/audit",
    id: "list_audit",
    tag: "callers",
    summary: "Read what happened to grants, callers and keys, and which tokens left.",
    query: [
      {
        name: "after",
        description: "Only rows after this number: the `next` of the page before.",
        schema: { type: "integer", minimum: 0, default: 0 },
      },
      { name: "grant", description: "Only rows about this grant, by any reference.", schema: text },
      provider,
      account,
      { name: "caller", description: "Only rows of this caller.", schema: text },
      {
        name: "limit",
        description: "The most rows that the page may have.",
        schema: { type: "integer", minimum: 1, maximum: 500, default: 100 },
      },
    ],
    answers: { says: "The page.", schema: ref("AuditPage") },
    errors: ["invalid_request", "grant_not_found", "ambiguous_grant", "grant_unreadable"],
  },
];
