import { spokenDuration } from "../spoken-duration.ts";
import type { Evidence } from "./diagnosis.ts";
import type { GrantFacts } from "./facts.ts";

/** What of a grant says how it came to its state. */
export type StateFacts = Pick<
  GrantFacts,
  "state" | "stateSince" | "reason" | "generation" | "lastError" | "lastErrorSays" | "lastErrorAt" | "doubt"
>;

/** One piece of evidence. @param time milliseconds since the epoch */
export function at(time: number, what: string): Evidence {
  return { at: new Date(time), what };
}

/** Evidence in the order of time. What is said several times is said once, with how often and when it was last. */
export function inOrder(evidence: readonly Evidence[]): readonly Evidence[] {
  const said = new Map<string, { last: Date; readonly times: Set<number> }>();
  for (const { at: time, what } of evidence) {
    const known = said.get(what);
    if (known === undefined) said.set(what, { last: time, times: new Set([time.getTime()]) });
    else {
      known.times.add(time.getTime());
      if (time > known.last) known.last = time;
    }
  }
  return [...said]
    .map(([what, { last, times }]) => ({
      at: last,
      what: times.size === 1 ? what : `${what} (the last of ${times.size} times)`,
    }))
    .toSorted((one, other) => one.at.getTime() - other.at.getTime());
}

/** How a grant came to its state, in the order of time; nothing of one that works. */
export function evidenceOfState(grant: StateFacts): readonly Evidence[] {
  const { state, stateSince } = grant;
  switch (state) {
    case "lapsed":
      // With the provider's word in hand, that it has lapsed is no news.
      return isToldByProvider(grant)
        ? refusalOf(grant)
        : inOrder([...refusalOf(grant), at(stateSince, "the grant has lapsed")]);
    case "suspect":
      return [doubtOf(grant).evidence];
    case "revoked":
      return [at(stateSince, "the grant was revoked here")];
    case "active":
    case "revoking":
      return [];
  }
}

function isToldByProvider({ lastError, lastErrorAt, stateSince }: StateFacts): boolean {
  return lastError !== null && lastErrorAt !== null && Math.abs(lastErrorAt - stateSince) <= 1_000;
}

/** What the provider said last. */
export function refusalOf({ reason, lastError, lastErrorSays, lastErrorAt, generation }: StateFacts): Evidence[] {
  if (lastError === null || lastErrorAt === null) return [];
  if (reason === "ended_by_provider") return [at(lastErrorAt, eventCame(lastError))];
  return [
    at(
      lastErrorAt,
      `the provider answered ${lastError}${quoted(lastErrorSays)} to the refresh token of generation ${generation}`,
    ),
  ];
}

/** What a provider has told of a grant in a signed event. Times are milliseconds since the epoch. */
export interface ToldEvent {
  readonly event: string;
  /** The event's own word for why; null where it has none. */
  readonly saidReason: string | null;
  readonly happenedAt: number;
  readonly receivedAt: number;
}

/** How late an event may come without that being said, milliseconds. */
const promptlyMs = 60_000;

/** Evidence with what events say of it themselves: when it happened, and their own word for why. */
export function withEvents(evidence: readonly Evidence[], events: readonly ToldEvent[]): readonly Evidence[] {
  if (events.length === 0) return evidence;
  const bare = new Set(events.map(({ event }) => eventCame(event)));
  const told = events.map(({ event, saidReason, happenedAt, receivedAt }) => {
    const late = receivedAt - happenedAt;
    const came = late > promptlyMs ? `; it came ${spokenDuration(late)} later` : "";
    return at(happenedAt, `${eventCame(event)}${saidReason === null ? "" : ` (${saidReason})`}${came}`);
  });
  return inOrder([...evidence.filter(({ what }) => !bare.has(what)), ...told]);
}

function eventCame(event: string): string {
  return `the provider sent the event ${event}`;
}

/** A provider's own words, behind its code. */
export function quoted(says: string | null): string {
  return says === null || says === "" ? "" : ` ("${says}")`;
}

/** Why a suspect grant is suspect. */
export function doubtOf({ stateSince, lastErrorAt, lastError, doubt }: StateFacts): {
  readonly reason: "outcome_unknown" | "signalled" | "ended_with_another";
  readonly evidence: Evidence;
} {
  const isSameMoment = lastErrorAt !== null && Math.abs(lastErrorAt - stateSince) <= 1_000;
  // Rows of versions that did not write it say it by their times.
  const [reason = "", detail = ""] = (doubt ?? (isSameMoment ? "outcome_unknown" : "")).split("/");
  switch (reason) {
    case "outcome_unknown": {
      const error = (isSameMoment ? lastError : null) ?? "no answer";
      return { reason, evidence: at(stateSince, `a refresh was sent, and nobody knows what came of it (${error})`) };
    }
    case "signalled":
      return { reason, evidence: at(stateSince, eventCame(detail)) };
    default:
      return {
        reason: "ended_with_another",
        evidence: at(stateSince, "the tokens may have ended together with others"),
      };
  }
}
