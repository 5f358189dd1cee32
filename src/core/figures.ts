/** What is counted of a vault and its keeper, as plain data that goes from one process to another. */
import type { StandstillReason } from "./epoch.ts";
import type { GrantState } from "./grant-state.ts";

/** Upper ends of the parts of a histogram, milliseconds; what took longer is in one more part. */
export const durationBoundsMs = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000] as const;

/** How long something took, each time. */
export interface Durations {
  /** How many were in each part, and one more for those that took longer. */
  readonly counts: number[];
  sumMs: number;
}

/** Durations of which there is none yet. */
export function noDurations(): Durations {
  return { counts: Array.from({ length: durationBoundsMs.length + 1 }, () => 0), sumMs: 0 };
}

/** Adds one to durations. */
export function addDuration(durations: Durations, ms: number): void {
  const part = durationBoundsMs.findIndex((bound) => ms <= bound);
  const index = part === -1 ? durationBoundsMs.length : part;
  durations.counts[index] = (durations.counts[index] ?? 0) + 1;
  durations.sumMs += ms;
}

/** Adds one to a count under a name. */
export function countOne<K>(counts: Map<K, number>, name: K): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** How often access tokens were handed out, by where they came from, and calls were made with one. */
export interface ReadCounts {
  memory: number;
  store: number;
  refreshed: number;
  proxied: number;
}

/**
 * How requests to a provider have ended. `answered`: it works, also where it refuses a grant. `refused`: it says that our request
 * is wrong. `failed`: no useful answer. `limited`: we ask too often. `client_refused`: it refuses our client.
 */
export const requestOutcomes = ["answered", "refused", "failed", "limited", "client_refused"] as const;
export type RequestOutcome = (typeof requestOutcomes)[number];

/** Whether a provider is asked: `closed`: yes. `open`: not now. `probing`: one request finds out. */
export const breakerStates = ["closed", "open", "probing"] as const;

/** One provider as the gate before it sees it, and what was asked of it. Counts are of this process, since it began. */
export interface GateFigures {
  readonly provider: string;
  readonly breaker: (typeof breakerStates)[number];
  /** Whether the provider refuses our client. */
  readonly isClientRefused: boolean;
  /** How many requests wait, by their rank. */
  readonly waiting: Readonly<Record<string, number>>;
  /** For how long the one has waited that waits longest, milliseconds; 0: none waits. */
  readonly waitedMs: number;
  readonly requests: readonly {
    readonly kind: "refresh" | "code";
    readonly outcomes: Readonly<Record<RequestOutcome, number>>;
    readonly took: Durations;
  }[];
}

/** How a keeper is doing. Counts are of its process, since it began. */
export interface KeeperFigures {
  /** How refreshes have ended, by provider. */
  readonly refreshes: readonly { readonly provider: string; readonly outcome: string; readonly times: number }[];
  readonly gates: readonly GateFigures[];
  /** How many answers are in the rescue folder, because the store could not take them. */
  readonly rescued: number;
  /** How many exchanges and commits are under way. */
  readonly underWay: number;
  /** Whether its store was found damaged, so that it writes nothing more to it. */
  readonly isStoreDamaged: boolean;
  /** Transactions of the store, by kind; absent where nobody measures them. */
  readonly store?: StoreTimes;
  /** For how long this process has run code, seconds; the rest of the time it has waited. */
  readonly busySeconds: number;
}

/** How the link to a keeper in another process is doing. */
export interface KeeperLink {
  /** Whether a keeper takes requests just now. */
  readonly isReady: boolean;
  /** How often another one was started, because one had ended. */
  readonly restarts: number;
  /** How many requests wait for their answer. */
  readonly waiting: number;
  /** How long answers took. */
  readonly took: Durations;
}

/** How long transactions took, and how often one failed, by their kind. */
export type StoreTimes = readonly { readonly kind: string; readonly took: Durations; readonly failed: number }[];

/** What is in the store, for all processes on it. */
export interface StoreFigures {
  /** Undefined: not all were counted yet. */
  readonly grants: readonly { readonly provider: string; readonly state: GrantState; readonly grants: number }[];
  /** Since when the grants are suspect that have been so the longest, milliseconds since the epoch. */
  readonly suspectSince: readonly { readonly provider: string; readonly since: number }[];
  /** When the last count of `active` grants ended, milliseconds since the epoch; undefined: none has yet. */
  readonly countedAt: number | undefined;
  /** Why the store stands still; undefined: it does not. */
  readonly standstill: StandstillReason | undefined;
  readonly deliveries: { readonly waiting: number; readonly dead: number; readonly waitingSince: number | null };
}
