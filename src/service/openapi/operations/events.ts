/** The operation by which a caller reads what happened to its grants. */
import { account, provider, ref, text } from "./operation.ts";
import type { Operation } from "./operation.ts";

export const eventOperations: readonly Operation[] = [
  {
    method: "get",
    path: "/v1/events",
    id: "list_events",
    tag: "callers",
    summary: "Read what happened to grants, clients and providers, and wait for more.",
    query: [
      {
        name: "after",
        description:
          "Only events after this number: the `next` of the page before. Left out: from the oldest that is kept.",
        schema: { type: "integer", minimum: 0 },
      },
      {
        name: "wait_seconds",
        description: "How long to wait where there is none yet.",
        schema: { type: "integer", minimum: 0, maximum: 60, default: 0 },
      },
      { name: "grant", description: "Only events about this grant, by any reference.", schema: text },
      provider,
      account,
      {
        name: "limit",
        description: "The most events that the page may have.",
        schema: { type: "integer", minimum: 1, maximum: 500, default: 100 },
      },
    ],
    answers: { says: "The page.", schema: ref("EventPage") },
    errors: ["invalid_request", "events_missed", "grant_not_found", "ambiguous_grant", "grant_unreadable"],
  },
];
