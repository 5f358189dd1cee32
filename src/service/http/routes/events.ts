/** The route by which a caller reads what happened to its grants, and waits for more. */
import { parseGrantRef } from "../../../index.ts";
import { defined } from "../../../core/defined.ts";
import { eventBody } from "../../../core/events/app-event.ts";
import { wholeNumber } from "../json-bodies.ts";
import { queryOf } from "../query.ts";
import { json } from "./router.ts";
import type { Router } from "./router.ts";

export function eventRoutes({ forCallers }: Router): void {
  forCallers("/v1/events", {
    GET: [
      "events",
      async (context, view) => {
        const query = queryOf(context);
        const after = wholeNumber("after", query.get("after"), 0, Number.MAX_SAFE_INTEGER);
        const waitSeconds = wholeNumber("wait_seconds", query.get("wait_seconds"), 0, 60);
        const limit = wholeNumber("limit", query.get("limit"), 1, 500);
        const named = query.get("grant");
        const grant =
          named === undefined ? undefined : parseGrantRef(named, query.get("provider"), query.get("account"));
        const { signal } = context.req.raw;
        try {
          const { events, next } = await view.events(defined({ after, waitSeconds, limit, grant, signal }));
          return json({ events: events.map(eventBody), next });
        } catch (error) {
          // Whoever waited has gone, and nobody reads an answer.
          if (signal.aborted) return json({ events: [], next: after ?? 0 });
          throw error;
        }
      },
    ],
  });
}
