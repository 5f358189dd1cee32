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

export function inOrder(evidence: readonly Evidence[]): readonly Evidence[] {
  return evidence.toSorted((one, other) => one.at.getTime() - other.at.getTime());
}

/** How a grant came to its state, in the order of time; nothing of one that works. */
export function evidenceOfState(grant: StateFacts): readonly Evidence[] {
  const { state, stateSince, reason } = grant;
  switch (state) {
    case "lapsed":
      return inOrder([...refusalOf(grant), at(stateSince, `the grant has lapsed (${reason ?? "invalid_grant"})`)]);
    case "suspect":
      return [doubtOf(grant).evidence];
    case "revoked":
      return [at(stateSince, "the grant was revoked here")];
    case "active":
    case "revoking":
      return [];
  }
}

/** What the provider said last. */
export function refusalOf({ reason, lastError, lastErrorSays, lastErrorAt, generation }: StateFacts): Evidence[] {
  if (lastError === null || lastErrorAt === null) return [];
  if (reason === "ended_by_provider") return [at(lastErrorAt, `the provider sent the event ${lastError}`)];
  return [
    at(
      lastErrorAt,
      `the provider answered ${lastError}${quoted(lastErrorSays)} to the refresh token of generation ${generation}`,
    ),
  ];
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
      return { reason, evidence: at(stateSince, `the provider sent the event ${detail}`) };
    default:
      return {
        reason: "ended_with_another",
        evidence: at(stateSince, "the tokens may have ended together with others"),
      };
  }
}
