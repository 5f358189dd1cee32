/** The verdict on a run: what was lost, whether that was allowed, and everything that must not have happened. */
import type { LogEntry } from "../../src/standin/index.ts";
import type { InjectedFault } from "./fleet.ts";
import type { ChaosOptions } from "./options.ts";
import type { Lapse } from "./people.ts";
import type { Readings } from "./readers.ts";
import type { AuditFindings } from "./stored-audit.ts";

/** What a grant came to: a token was served, its end was reported, or neither within a minute. */
export type Standing = "served" | "flagged" | "silent";

/** One grant, as it was after the last fault and a time to recover. */
export interface FoundGrant {
  readonly grantId: string;
  readonly email: string;
  /** The provider's name. */
  readonly provider: string;
  readonly generation: number;
  readonly standing: Standing;
  /** Whether the API accepted the token that was served last. */
  readonly accepted: boolean;
}

/** Everything about a run that the verdict is based on. */
export interface Evidence {
  readonly options: ChaosOptions;
  readonly injectedFaults: readonly InjectedFault[];
  readonly readings: Readings;
  readonly audit: AuditFindings;
  /** The stand-in's log of its token endpoint. */
  readonly exchanges: readonly LogEntry[];
  /** Each time that a service said of a grant that it has ended. */
  readonly lapses: readonly Lapse[];
  /** How often a person signed in again after that. */
  readonly consents: number;
  readonly grants: readonly FoundGrant[];
  /** Whether every service ended with 0 when it was told to. */
  readonly stoppedWell: boolean;
  /** How many processes still ran a minute later. */
  readonly leftRunning: number;
}

/** A grant that lost its only valid refresh token. */
export interface Loss {
  readonly email: string;
  readonly rotation: Lapse["rotation"];
  readonly reason: string;
  /** Whether the process that exchanged its token was killed in the middle of that. */
  readonly inFlight: boolean;
  /** From the kill to the flag, milliseconds. */
  readonly flaggedAfterMs: number;
}

export interface Verdict {
  readonly kills: { readonly services: number; readonly keepers: number };
  readonly pauses: number;
  readonly exchanges: number;
  /** Exchanges whose answer was stored. */
  readonly commits: number;
  /** How often a used refresh token was sent again, outside a grace period. */
  readonly reused: number;
  readonly losses: readonly Loss[];
  /** Grants and requests without an answer. */
  readonly silent: number;
  /** Grants that were said to have ended although a refresh token of theirs still works. */
  readonly healthyFlagged: number;
  /** Grants whose fresh access token the API refused. */
  readonly refusedByApi: number;
  /** Whose used refresh token was sent again, though no service said soon after that the grant has ended. */
  readonly unexplained: readonly string[];
  /** Everything that must not have happened, in words. */
  readonly violations: readonly string[];
}

/** How soon after a loss the grant must say so, milliseconds. */
const flagWithinMs = 60_000;

/** Judges a run by the stand-in's log, by what callers were told, and by what is in the database. */
export function judge(evidence: Evidence): Verdict {
  const { options, injectedFaults, exchanges, lapses, grants, readings } = evidence;
  const kills = injectedFaults.filter(({ kind }) => kind === "kill");
  // Only a process that exchanges tokens can lose a new one when it is killed.
  const fatal = kills.filter(({ victim }) => options.keeper === "none" || victim === "keeper");
  const byGrant = Map.groupBy(exchanges, ({ grant }) => grant ?? "");
  const losses = lapses.map((lapse) => lossOf(lapse, byGrant.get(lapse.email) ?? [], fatal, options));
  const dead = new Set(lapses.map(({ email }) => email));
  const reused = exchanges.filter(({ outcome }) => outcome === "reused_token");
  const unexplained = reused
    .filter(
      ({ grant, at }) => !lapses.some(({ email, since }) => email === grant && isSoonAfter(since, Date.parse(at))),
    )
    .map(({ grant }) => grant ?? "");
  const silent = grants.filter(({ standing }) => standing === "silent").length;
  const healthyFlagged = lapses.filter(({ healthy }) => healthy).length;
  const refusedByApi =
    grants.filter(({ standing, accepted }) => standing === "served" && !accepted).length +
    grants.filter(({ grantId, email }) => readings.refusedByApi.has(grantId) && !dead.has(email)).length;

  const violations = [
    ...losses
      .filter(({ inFlight }) => !inFlight)
      .map(({ email, reason }) => `${email} was lost (${reason}), and no kill hit an exchange of its token`),
    ...losses
      .filter(({ inFlight, rotation }) => inFlight && rotation !== "strict")
      .map(({ email, reason }) => `${email} was lost (${reason}), though its used token could be sent again`),
    ...losses
      .filter(({ inFlight, flaggedAfterMs }) => inFlight && flaggedAfterMs > flagWithinMs)
      .map(({ email, flaggedAfterMs }) => `${email} was flagged only after ${Math.round(flaggedAfterMs / 1000)} s`),
    ...[...new Set(unexplained)].map((email) => `a used refresh token of ${email} was sent again`),
    ...(silent > 0 ? [`${silent} grants give no token and no reason`] : []),
    ...(readings.hung > 0 ? [`${readings.hung} requests had no answer for a minute`] : []),
    ...(healthyFlagged > 0 ? [`${healthyFlagged} grants were flagged although they still work`] : []),
    ...(refusedByApi > 0 ? [`the API refused fresh tokens of ${refusedByApi} grants`] : []),
    ...(grants.length === options.grants ? [] : [`${options.grants - grants.length} grants are not in the database`]),
    ...(evidence.audit.unrecorded > 0
      ? [`${evidence.audit.unrecorded} tokens left without a row in the audit log`]
      : []),
    ...evidence.audit.faults,
    ...(evidence.stoppedWell ? [] : ["a service did not exit with 0 after SIGTERM"]),
    ...(evidence.leftRunning > 0
      ? [`${evidence.leftRunning} processes still ran a minute after the services had ended`]
      : []),
  ];
  return {
    kills: {
      services: kills.filter(({ victim }) => victim === "service").length,
      keepers: kills.filter(({ victim }) => victim === "keeper").length,
    },
    pauses: injectedFaults.length - kills.length,
    exchanges: exchanges.filter(isRefresh).length,
    commits: grants.reduce((sum, { generation }) => sum + generation - 1, -evidence.consents),
    reused: reused.length,
    losses,
    silent: silent + readings.hung,
    healthyFlagged,
    refusedByApi,
    unexplained,
    violations,
  };
}

/** Whether a grant that ended at `since` may have ended because of what the provider saw at `at`. */
function isSoonAfter(since: number, at: number): boolean {
  return since >= at - 1_000 && since <= at + flagWithinMs;
}

/**
 * Whether a grant was lost because a process was killed in the middle of its exchange.
 *
 * Two moments are looked at: the exchange that used the token up, and the time at which the used token came again. The
 * second is needed because a request may still be on its way when its sender is dead. A kill close to either explains the
 * loss.
 */
function lossOf(
  { email, reason, rotation, since }: Lapse,
  entries: readonly LogEntry[],
  fatal: readonly InjectedFault[],
  { latency }: ChaosOptions,
): Loss {
  const reuse = entries.findLast(({ outcome, at }) => outcome === "reused_token" && isSoonAfter(since, Date.parse(at)));
  const firstUse = entries.find(
    (entry) => isRefresh(entry) && entry.refresh_token_fingerprint === reuse?.refresh_token_fingerprint,
  );
  const moments = [firstUse, reuse].flatMap((entry) => (entry === undefined ? [] : [Date.parse(entry.at)]));
  // The time that the provider takes, and the time to store an answer or start again on a busy machine.
  const windowMs = 2 * latency + 5_000;
  const kill = fatal.findLast(({ at }) => at <= since && moments.some((moment) => Math.abs(at - moment) <= windowMs));
  return {
    email,
    reason,
    rotation,
    inFlight: kill !== undefined,
    flaggedAfterMs: kill === undefined ? 0 : since - kill.at,
  };
}

function isRefresh({ outcome }: LogEntry): boolean {
  return outcome === "refreshed" || outcome === "refreshed_in_grace";
}
