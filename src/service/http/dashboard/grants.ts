/** What the dashboard shows of grants, in the words of `/v1`. */
import type { Grant } from "../../../index.ts";
import { isOnbehalfError } from "../../../index.ts";
import { defined } from "../../../core/defined.ts";
import { invalidRequest } from "../../../core/errors.ts";
import { grantStates } from "../../../core/grant.ts";
import { auditBody, grantBody, wholeNumber } from "../json-bodies.ts";
import { oneWord } from "./asked.ts";
import type { Asked, DashboardRoute } from "./asked.ts";

/** How long an answer waits for the first reading of all grants, milliseconds. */
export const firstReadingMs = 200;
const mostEvents = 100;

export const grantRoutes: readonly DashboardRoute[] = [
  {
    method: "GET",
    path: "/grants",
    needs: "reader",
    query: ["q", "state", "reason", "provider", "limit", "after"],
    answer: list,
  },
  { method: "GET", path: "/grants/{grant_id}", needs: "reader", answer: show },
];

/** What an operator needs of a grant. Names and pictures of people are not among it. */
export function shownGrant(grant: Grant): Record<string, unknown> {
  const { profile: _profile, ...body } = grantBody(grant);
  return { ...body, ...defined({ email: grant.profile.email }) };
}

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

async function show({ vault, named }: Asked): Promise<object> {
  const grant = await vault.grant({ grantId: named });
  const rows = await vault.audit.list({ grantId: grant.grantId, limit: mostEvents, newestFirst: true });
  const isOurs = vault.providers.some(
    (each) => each.provider.name === grant.provider && each.clientId === grant.clientId,
  );
  const siblings = isOurs ? await vault.siblings({ grantId: grant.grantId }) : [];
  return {
    grant: shownGrant(grant),
    requested_scope: isOurs ? vault.providerOf(grant.provider).scopes?.join(" ") : undefined,
    is_configured: isOurs,
    ends_with_it: siblings.map(shownGrant),
    life: rows.map(auditBody),
    life_is_cut: rows.length === mostEvents,
  };
}
