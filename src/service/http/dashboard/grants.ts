/** What the dashboard shows of grants, in the words of `/v1`. */
import type { AppEvent } from "../../../core/events/app-event.ts";
import { eventBody } from "../../../core/events/app-event.ts";
import { isOnbehalfError } from "../../../index.ts";
import type { Provider } from "../../../index.ts";
import { defined } from "../../../core/defined.ts";
import { invalidRequest } from "../../../core/errors.ts";
import { canonicalScope } from "../../../core/scopes.ts";
import { grantStates } from "../../../core/grant-state.ts";
import { auditBody, wholeNumber } from "../json-bodies.ts";
import { oneWord } from "./asked.ts";
import type { Asked, DashboardRoute } from "./asked.ts";
import { grantActionRoutes, reconnecting } from "./grant-actions.ts";
import { isOurs, shownGrant } from "./shown-grant.ts";

/** How long an answer waits for the first reading of all grants, milliseconds. */
export const firstReadingMs = 200;
const mostEvents = 100;
const mostEventPages = 10;

export const grantRoutes: readonly DashboardRoute[] = [
  {
    method: "GET",
    path: "/grants",
    needs: "reader",
    query: ["q", "state", "reason", "provider", "limit", "after"],
    answer: list,
  },
  { method: "GET", path: "/grants/{grant_id}", needs: "reader", answer: show },
  ...grantActionRoutes,
];

/**
 * A page of the grants that fit, the newest state first. `after` is the number of grants to pass over: whoever looks at a list
 * goes a few pages far, and one that moved a place is no harm.
 */
async function list(asked: Asked): Promise<object> {
  const { vault, query } = asked;
  const limit = wholeNumber("limit", query.get("limit"), 1, 200) ?? 50;
  const after = wholeNumber("after", query.get("after"), 0, 10_000_000) ?? 0;
  const text = query.get("q")?.trim();
  if (text !== undefined && text.length > 512)
    throw invalidRequest("q must be 512 characters at most", "search for the start of it", "q");
  const filter = {
    ...defined({ text: text === "" ? undefined : text, reason: query.get("reason"), provider: query.get("provider") }),
  };
  const state = oneWord(asked, "state", grantStates);
  const progress = await vault.directory.look(firstReadingMs);
  const inStates = vault.directory.search(filter);
  const counts = Object.fromEntries(grantStates.map((each) => [each, 0]));
  for (const entry of inStates) counts[entry.state] = (counts[entry.state] ?? 0) + 1;
  const found = state === undefined ? inStates : inStates.filter((entry) => entry.state === state);
  const page = await Promise.all(
    found.slice(after, after + limit).map(async (entry) => {
      try {
        return shownGrant(await vault.grant(entry.grantId));
      } catch (error) {
        if (!isOnbehalfError(error, "grant_unreadable") && !isOnbehalfError(error, "grant_not_found")) throw error;
        const { grantId: grant_id, provider, since } = entry;
        return {
          grant_id,
          provider,
          state: entry.state,
          reason: "unreadable",
          since: new Date(since),
          external_ids: [],
        };
      }
    }),
  );
  return {
    grants: page,
    total: found.length,
    counts,
    reading: { known: progress.known, done: progress.isWhole, full: progress.isFull },
    ...(after + page.length < found.length ? { next: after + page.length } : {}),
  };
}

async function show({ vault, named, site }: Asked): Promise<object> {
  const grant = await vault.grant({ grantId: named });
  const { grantId } = grant;
  const rows = await vault.audit.list({ grantId, limit: mostEvents, newestFirst: true });
  const configured = isOurs(vault, grant);
  const siblings = configured ? await vault.siblings({ grantId }) : [];
  const events = await lastEvents(vault, grantId);
  return {
    grant: shownGrant(grant),
    requested_scope: configured ? requestedScope(vault.providerOf(grant.provider)) : undefined,
    is_configured: configured,
    ends_with_it: siblings.map(shownGrant),
    reconnect: reconnecting(grant, site, configured ? vault.providerOf(grant.provider) : undefined),
    life: events.map(eventBody),
    records: rows.map(auditBody),
    records_are_cut: rows.length === mostEvents,
  };
}

/** What the provider is usually asked for, in the names in which it grants. */
function requestedScope({ scopes, canonicalScopes }: Provider): string | undefined {
  return scopes?.map((each) => canonicalScope(each, canonicalScopes)).join(" ");
}

/** The last events of a grant, the newest first. They are read from the oldest on: of one grant there are few. */
async function lastEvents(vault: Asked["vault"], grantId: string): Promise<readonly AppEvent[]> {
  const last: AppEvent[] = [];
  let after: number | undefined;
  for (let pages = 0; pages < mostEventPages; pages += 1) {
    const { events, next } = await vault.events({ grant: { grantId }, limit: 500, ...defined({ after }) });
    last.push(...events);
    if (events.length < 500) break;
    after = next;
  }
  return last.slice(-mostEvents).toReversed();
}
