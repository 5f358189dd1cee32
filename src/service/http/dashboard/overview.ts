/** What wants attention, first cause first, and how refreshes have gone. */
import { quarterMs } from "../../../core/quarters.ts";
import type { Asked, DashboardRoute } from "./asked.ts";
import { oneWord } from "./asked.ts";
import { firstReadingMs } from "./grants.ts";
import { wordsOf } from "./shown-grant.ts";
import { standstillOf } from "./standstill.ts";

const ranges = { "24": { hours: 24, barMs: 2 * quarterMs }, "168": { hours: 168, barMs: 12 * quarterMs } } as const;

export const overviewRoutes: readonly DashboardRoute[] = [
  { method: "GET", path: "/overview", needs: "reader", query: ["hours"], answer: overview },
];

/** Grants that are not well for one cause. */
interface Cause {
  readonly provider: string;
  readonly state: string;
  readonly reason: string;
  readonly depends_on?: string;
  grants: number;
  /** When the first and the last of them came to it. */
  first: number;
  last: number;
}

async function overview(asked: Asked): Promise<object> {
  const { vault } = asked;
  const progress = await vault.directory.look(firstReadingMs);
  const states = new Map<string, number>();
  const causes = new Map<string, Cause>();
  for (const { provider, state, reason, dependsOn, since } of vault.directory.search({})) {
    states.set(state, (states.get(state) ?? 0) + 1);
    // What we have ended ourselves is as it should be.
    if (state === "revoked" || (reason === undefined && state === "active")) continue;
    const why = reason ?? state;
    const key = `${provider} ${state} ${why}`;
    const cause = causes.get(key);
    if (cause === undefined) {
      const whose = dependsOn === undefined ? {} : { depends_on: dependsOn };
      causes.set(key, { provider, state, reason: why, ...whose, grants: 1, first: since, last: since });
      continue;
    }
    cause.grants += 1;
    cause.first = Math.min(cause.first, since);
    cause.last = Math.max(cause.last, since);
  }
  const total = [...states.values()].reduce((sum, each) => sum + each, 0);
  return {
    grants: total,
    states: Object.fromEntries(states),
    ...(await standstillOf(vault)),
    attention: [...causes.values()].sort(byWeight).map(causeBody),
    reading: { known: progress.known, done: progress.isWhole, full: progress.isFull },
    refreshes: await refreshes(asked),
  };
}

function causeBody({ provider, state, reason, depends_on, grants, first, last }: Cause): object {
  const { means, fix } = wordsOf(reason) ?? {};
  return {
    provider,
    state,
    reason,
    means,
    depends_on,
    fix,
    grants,
    first_at: new Date(first),
    last_at: new Date(last),
  };
}

/**
 * What one act of an operator mends comes first. Then what does not work any more, before what still does; then what a developer
 * mends for many, before what each person has to come back for, before what waits for the provider; then how many it is.
 */
function byWeight(one: Cause, other: Cause): number {
  return weight(one) - weight(other) || other.grants - one.grants;
}

function weight({ depends_on: dependsOn, state }: Cause): number {
  if (dependsOn === "operator") return 0;
  return (state === "lapsed" ? 1 : 5) + (["developer", "person", "provider"].indexOf(dependsOn ?? "") + 1);
}

async function refreshes(asked: Asked): Promise<object> {
  const { vault } = asked;
  const { hours, barMs } = ranges[oneWord(asked, "hours", ["24", "168"]) ?? "24"];
  const now = vault.clock.now();
  const end = Math.ceil((now + 1) / barMs) * barMs;
  const start = end - hours * 3_600_000;
  const bars = Array.from({ length: (end - start) / barMs }, (_, n) => ({
    at: new Date(start + n * barMs),
    outcomes: {} as Record<string, number>,
  }));
  for (const { quarterAt, outcome, refreshes: count } of await vault.refreshHistory.since(start)) {
    const bar = bars[Math.floor((quarterAt - start) / barMs)];
    if (bar !== undefined) bar.outcomes[outcome] = (bar.outcomes[outcome] ?? 0) + count;
  }
  return { hours, bar_seconds: barMs / 1_000, bars };
}
