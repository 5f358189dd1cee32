import type { LogEntry } from "../../src/standin/index.ts";
import type { Blow } from "./fleet.ts";
import type { ChaosOptions } from "./options.ts";
import type { Lapse } from "./people.ts";
import type { Readings } from "./readers.ts";

/** How a grant ended up: its token in hand, its end said aloud, or neither within a minute. */
export type Standing = "served" | "flagged" | "silent";

/** One grant, after everything had settled. */
export interface FoundGrant {
  readonly grantId: string;
  readonly email: string;
  readonly generation: number;
  readonly standing: Standing;
  /** Whether the API took the token that was served in the end. */
  readonly accepted: boolean;
}

/** All that a run left behind to be judged. */
export interface Evidence {
  readonly options: ChaosOptions;
  readonly blows: readonly Blow[];
  readonly readings: Readings;
  /** The stand-in's own log of its token endpoint. */
  readonly exchanges: readonly LogEntry[];
  /** Each time that a grant was said to have ended. */
  readonly lapses: readonly Lapse[];
  /** How often somebody signed in again after that. */
  readonly consents: number;
  readonly grants: readonly FoundGrant[];
  /** Whether every service ended with 0 when it was told to. */
  readonly stoppedWell: boolean;
  /** Processes that were left a minute after. */
  readonly leftRunning: number;
}

/** A grant whose refresh token is gone for good. */
interface Loss {
  readonly email: string;
  readonly reason: string;
  /** The exchange under way when whoever made it was killed; undefined where none was. */
  readonly inFlight: boolean;
  /** From the kill to the flag, milliseconds. */
  readonly flaggedAfterMs: number;
}

export interface Verdict {
  readonly kills: { readonly services: number; readonly keepers: number };
  readonly pauses: number;
  readonly exchanges: number;
  readonly commits: number;
  /** Refresh tokens that had been used, presented again outside a grace period. */
  readonly reused: number;
  readonly losses: readonly Loss[];
  readonly silent: number;
  readonly healthyFlagged: number;
  readonly worthless: number;
  /** Each thing that must not be, in words; none: nothing was lost. */
  readonly faults: readonly string[];
}

const minuteMs = 60_000;

/** Judges a run by the stand-in's log, by what callers were told, and by what is in the database. */
export function judge(evidence: Evidence): Verdict {
  const { options, blows, exchanges, lapses, grants, readings } = evidence;
  const kills = blows.filter(({ what }) => what === "kill");
  // Only who exchanges can take a new token with it when it is killed.
  const fatal = kills.filter(({ victim }) => options.keeper === "none" || victim === "keeper");
  const byGrant = Map.groupBy(exchanges, ({ grant }) => grant ?? "");
  const losses = lapses.map((lapse) => lossOf(lapse, byGrant.get(lapse.email) ?? [], fatal, options));
  const dead = new Set(lapses.map(({ email }) => email));
  const reused = exchanges.filter(({ outcome }) => outcome === "reused_token");
  const unexplained = reused.filter(
    ({ grant, at }) => !lapses.some(({ email, since }) => email === grant && isSoonAfter(since, Date.parse(at))),
  );
  const silent = grants.filter(({ standing }) => standing === "silent").length;
  const healthyFlagged = lapses.filter(({ healthy }) => healthy).length;
  const worthless =
    grants.filter(({ standing, accepted }) => standing === "served" && !accepted).length +
    grants.filter(({ grantId, email }) => readings.worthless.has(grantId) && !dead.has(email)).length;

  const faults = [
    ...losses
      .filter(({ inFlight }) => !inFlight || options.rotation !== "strict")
      .map(({ email, reason }) => `${email} was lost (${reason}), and no exchange of its was under way at a kill`),
    ...losses
      .filter(({ inFlight, flaggedAfterMs }) => inFlight && flaggedAfterMs > minuteMs)
      .map(({ email, flaggedAfterMs }) => `${email} was flagged only after ${Math.round(flaggedAfterMs / 1000)} s`),
    ...[...new Set(unexplained.map(({ grant }) => grant))].map((email) => `a used token of ${email} came again`),
    ...(silent > 0 ? [`${silent} grants neither yield a token nor say why`] : []),
    ...(readings.hung > 0 ? [`${readings.hung} requests had no answer for a minute`] : []),
    ...(healthyFlagged > 0 ? [`${healthyFlagged} healthy grants were flagged`] : []),
    ...(worthless > 0 ? [`the API refused fresh tokens of ${worthless} grants`] : []),
    ...(grants.length === options.grants ? [] : [`${options.grants - grants.length} grants are not in the database`]),
    ...(evidence.stoppedWell ? [] : ["a service did not end with 0 when it was told to"]),
    ...(evidence.leftRunning > 0 ? [`${evidence.leftRunning} processes went on`] : []),
  ];
  return {
    kills: {
      services: kills.filter(({ victim }) => victim === "service").length,
      keepers: kills.filter(({ victim }) => victim === "keeper").length,
    },
    pauses: blows.length - kills.length,
    exchanges: exchanges.filter(isRefresh).length,
    commits: grants.reduce((sum, { generation }) => sum + generation - 1, -evidence.consents),
    reused: reused.length,
    losses,
    silent: silent + readings.hung,
    healthyFlagged,
    worthless,
    faults,
  };
}

/** Whether a grant's end, as it is told, can be the consequence of what the provider saw at `at`. */
function isSoonAfter(since: number, at: number): boolean {
  return since >= at - 1_000 && since <= at + minuteMs;
}

/**
 * When a grant was lost, and whether to a kill in the middle of its exchange. Two moments can tell: the exchange that
 * used the token up which was then presented again, and that presentation itself, for a request may still be on its way
 * when its sender is dead.
 */
function lossOf(
  { email, reason, since }: Lapse,
  entries: readonly LogEntry[],
  fatal: readonly Blow[],
  { latency }: ChaosOptions,
): Loss {
  const death = entries.findLast(({ outcome, at }) => outcome === "reused_token" && isSoonAfter(since, Date.parse(at)));
  const use = entries.find(
    (entry) => isRefresh(entry) && entry.refresh_token_fingerprint === death?.refresh_token_fingerprint,
  );
  const moments = [use, death].flatMap((entry) => (entry === undefined ? [] : [Date.parse(entry.at)]));
  // What the provider takes in all, and what storing and starting anew take on a busy machine.
  const windowMs = 2 * latency + 5_000;
  const blow = fatal.findLast(({ at }) => at <= since && moments.some((moment) => Math.abs(at - moment) <= windowMs));
  return { email, reason, inFlight: blow !== undefined, flaggedAfterMs: blow === undefined ? 0 : since - blow.at };
}

function isRefresh({ outcome }: LogEntry): boolean {
  return outcome === "refreshed" || outcome === "refreshed_in_grace";
}
