import type { Diagnosis } from "../diagnosis/diagnosis.ts";
import { evidenceOfState } from "../diagnosis/evidence.ts";
import type { StateFacts } from "../diagnosis/evidence.ts";
import { reasons } from "../diagnosis/reasons.ts";
import type { Reason } from "../diagnosis/reasons.ts";
import { scopesOf } from "../grant.ts";
import type { GrantState } from "../grant-state.ts";
import type { AppEventBody, AppEventDraft, AppEventType } from "./app-event.ts";

/** What decides about the events of a change, of the grant as it was. */
export interface GrantBefore {
  readonly state: GrantState;
  /** Separated by spaces. */
  readonly scope: string;
}

/** The grant as the change leaves it. */
export interface GrantAfter extends GrantBefore, StateFacts {
  readonly grantId: string;
  readonly provider: string;
  readonly clientId: string;
  readonly isOffline: boolean;
}

/**
 * Why a grant is suspect: the outcome of an exchange is unknown, the provider may have ended it with another one, or it has told us
 * that something happened to the account.
 */
export type Doubt = Extract<Reason, "outcome_unknown" | "ended_with_another" | "signalled">;

/** What of a diagnosis an event tells. */
export type EventDiagnosis = Pick<Diagnosis, "reason" | "evidence" | "dependsOn" | "fix">;

/**
 * The events of one change of a grant, in the order in which they are told. None: most changes are ordinary refreshes.
 *
 * A revocation that the provider has not confirmed yet gives none: its end does, whether the provider confirms or never will.
 *
 * A change of neither the state nor the scopes gives none, so that nothing else has to be read of an ordinary refresh.
 *
 * @param before undefined where the change has made the grant
 * @param doubt why, where the change has made it suspect
 * @param diagnosis why it has ended, where more is known of that than its row says
 */
export function grantEvents(
  before: GrantBefore | undefined,
  after: GrantAfter,
  doubt?: Doubt,
  diagnosis?: EventDiagnosis,
): AppEventDraft[] {
  const { grantId, provider, clientId, isOffline } = after;
  const event = (type: AppEventType, body: AppEventBody): AppEventDraft => ({
    type,
    grantId,
    provider,
    clientId,
    body,
  });
  if (before === undefined) return [event("grant.created", { offline: isOffline })];
  const events: AppEventDraft[] = [];
  const type = before.state === after.state ? undefined : eventOfState[after.state];
  if (type !== undefined) events.push(event(type, { ...whyOf(after, doubt, diagnosis), was: before.state }));
  const { gained, lost } = compared(before.scope, after.scope);
  if (gained.length + lost.length > 0) events.push(event("grant.scopes_changed", { gained, lost }));
  return events;
}

/** What a grant's new state is told as. */
const eventOfState: Readonly<Partial<Record<GrantState, AppEventType>>> = {
  active: "grant.recovered",
  suspect: "grant.suspect",
  lapsed: "grant.lapsed",
  revoked: "grant.revoked",
};

function whyOf(after: GrantAfter, doubt: Doubt | undefined, diagnosis: EventDiagnosis | undefined): AppEventBody {
  const { state, reason, lastError } = after;
  const why: Reason | undefined = state === "active" ? undefined : (diagnosis?.reason ?? reason ?? doubt);
  if (why === undefined) return {};
  const { dependsOn, fix } = diagnosis ?? reasons[why];
  const evidence = (diagnosis?.evidence ?? evidenceOfState(after)).map(({ at, what }) => ({
    at: at.toISOString(),
    what,
  }));
  const error = state === "lapsed" && lastError !== null ? { error: lastError } : {};
  return { reason: why, evidence, dependsOn, fix, ...error };
}

function compared(before: string, after: string): { readonly gained: string[]; readonly lost: string[] } {
  if (before === after) return { gained: [], lost: [] };
  const [had, has] = [new Set(scopesOf(before)), new Set(scopesOf(after))];
  return {
    gained: [...has].filter((scope) => !had.has(scope)),
    lost: [...had].filter((scope) => !has.has(scope)),
  };
}
