/** The service's answers as what an embedded vault returns. */
import { scopesOf } from "../core/grant.ts";
import type { Grant, GrantRef, Profile } from "../core/grant.ts";
import type { GrantState } from "../core/grant-state.ts";
import type { Cause, Diagnosis, Evidence, FurtherReason } from "../core/diagnosis/diagnosis.ts";
import type { Step } from "../core/diagnosis/reasons.ts";
import { defined } from "../core/defined.ts";
import { Secret } from "../core/secret.ts";
import { Ticket } from "../core/ticket.ts";
import type {
  AppEvent,
  BegunConnect,
  ConnectState,
  EventPage,
  GrantPage,
  Handle,
  Probe,
  Session,
  UnreadableGrant,
} from "../index.ts";
import { Members, Misread } from "./members.ts";

/** A grant; of this reference, where one is given: another one's is never returned. */
export function grantIn(value: unknown, ref?: GrantRef): Grant {
  const members = new Members(value);
  const lastError = members.objectOr("last_error");
  const grant: Grant = {
    grantId: members.text("grant_id"),
    provider: members.text("provider"),
    issuer: members.text("issuer"),
    clientId: members.text("client_id"),
    subject: members.text("subject"),
    externalIds: tiesIn(members),
    profile: members.object("profile").all as unknown as Profile,
    scopes: scopesOf(members.text("scope")),
    state: members.text("state") as GrantState,
    since: members.time("since"),
    offline: members.truth("offline"),
    generation: members.number("generation"),
    createdAt: members.time("created_at"),
    updatedAt: members.time("updated_at"),
    ...defined({
      externalId: members.textOr("external_id"),
      account: members.textOr("account"),
      missingScopes: members.textsOr("missing_scopes"),
      ...diagnosisIn(members),
      lastRefreshAt: members.timeOr("last_refresh_at"),
      accessExpiresAt: members.timeOr("access_expires_at"),
      accessTokenEndKnown: members.truthOr("access_token_end_known"),
      reauthorizeBefore: members.timeOr("reauthorize_before"),
      lastError: lastError === undefined ? undefined : { error: lastError.text("error"), at: lastError.time("at") },
      hint: members.textOr("hint"),
    }),
  };
  if (ref !== undefined) assertMeant(grant, ref);
  return grant;
}

/**
 * Refuses a grant that was not asked for. A cache between us and the service that passes over `Cache-Control` could hand out
 * somebody else's.
 *
 * @throws {Misread}
 */
function assertMeant(grant: Grant, ref: GrantRef): void {
  const isMeant =
    typeof ref === "string"
      ? grant.grantId === ref
      : "grantId" in ref
        ? grant.grantId === ref.grantId
        : (ref.provider === undefined || ref.provider === grant.provider) &&
          ("subject" in ref
            ? grant.subject === ref.subject
            : grant.externalIds.length === 0 || grant.externalIds.some((tie) => tie.externalId === ref.externalId));
  if (!isMeant) throw new Misread("its answer is about another grant than the one that was asked for");
}

/** A page of events. */
export function eventPageIn(body: unknown): EventPage {
  const members = new Members(body);
  return { events: members.list("events").map(eventIn), next: members.number("next") };
}

function eventIn(value: unknown): AppEvent {
  const members = new Members(value);
  return {
    seq: members.number("seq"),
    id: members.text("id"),
    type: members.text("type") as AppEvent["type"],
    at: members.time("at"),
    provider: members.text("provider"),
    clientId: members.text("client_id"),
    externalIds: tiesIn(members),
    ...defined({
      grantId: members.textOr("grant_id"),
      was: members.textOr("was") as GrantState | undefined,
      reason: members.textOr("reason"),
      evidence: members.listOr("evidence")?.map(evidenceIn),
      dependsOn: members.textOr("depends_on") as AppEvent["dependsOn"],
      fix: members.textOr("fix"),
      error: members.textOr("error"),
      gained: members.textsOr("gained"),
      lost: members.textsOr("lost"),
      offline: members.truthOr("offline"),
      reauthorizeBefore: members.timeOr("reauthorize_before"),
    }),
  };
}

function tiesIn(members: Members): Grant["externalIds"] {
  return members.list("external_ids").map((each) => {
    const tie = new Members(each);
    return { externalId: tie.text("external_id"), account: tie.text("account") };
  });
}

/** A page of grants. */
export function pageIn(body: unknown): GrantPage {
  const members = new Members(body);
  const unreadable = members.list("unreadable").map((each): UnreadableGrant => {
    const closed = new Members(each);
    return {
      grantId: closed.text("grant_id"),
      provider: closed.text("provider"),
      state: closed.text("state") as GrantState,
      values: closed.textsOr("values") as UnreadableGrant["values"],
      keyIds: closed.list("data_keys").filter((id) => typeof id === "number"),
    };
  });
  if (!Array.isArray(members.all["grants"])) throw new Misread("its answer has no grants that can be read");
  return {
    grants: members.list("grants").map((each) => grantIn(each)),
    ...(unreadable.length === 0 ? {} : { unreadable }),
    ...defined({ cursor: members.textOr("cursor") }),
  };
}

export function ticketIn(body: unknown): Ticket {
  const members = new Members(body);
  return new Ticket(new Secret(members.text("ticket")), members.text("nonce"), members.time("expires_at").getTime());
}

export function begunConnectIn(body: unknown): BegunConnect {
  const members = new Members(body);
  return {
    connectId: members.text("connect_id"),
    url: members.text("url"),
    expiresAt: members.time("expires_at"),
  };
}

export function connectStateIn(body: unknown): ConnectState {
  const members = new Members(body);
  return {
    status: members.text("status") as ConnectState["status"],
    ...defined({ grantId: members.textOr("grant_id"), error: members.textOr("error") }),
  };
}

/** Why a grant is not well. A word that this version does not know is passed on: who depends on it and the fix say enough. */
function diagnosisIn(members: Members): { readonly [Name in keyof Diagnosis]: Diagnosis[Name] | undefined } {
  return {
    reason: members.textOr("reason") as Diagnosis["reason"] | undefined,
    certainty: members.textOr("certainty") as Diagnosis["certainty"] | undefined,
    evidence: members.listOr("evidence")?.map(evidenceIn),
    dependsOn: members.textOr("depends_on") as Diagnosis["dependsOn"] | undefined,
    fix: members.textOr("fix"),
    causes: members.listOr("causes")?.map((each) => {
      const cause = new Members(each);
      const [reason, certainty] = [
        cause.text("reason") as Cause["reason"],
        cause.text("certainty") as Cause["certainty"],
      ];
      return { reason, certainty, tellBy: cause.text("tell_by") };
    }),
    steps: members.listOr("steps")?.map(stepIn),
    also: members.listOr("also")?.map((each) => {
      const further = new Members(each);
      const dependsOn = further.text("depends_on") as FurtherReason["dependsOn"];
      return { reason: further.text("reason") as FurtherReason["reason"], dependsOn, fix: further.text("fix") };
    }),
  };
}

function stepIn(each: unknown): Step {
  const step = new Members(each);
  const is = (name: string): true | undefined => (step.truthOr(name) === true ? true : undefined);
  return {
    by: step.text("by") as Step["by"],
    what: step.text("what"),
    ...defined({ isSignIn: is("is_sign_in"), isDoneByLink: is("is_done_by_link") }),
  };
}

function evidenceIn(each: unknown): Evidence {
  const evidence = new Members(each);
  return { at: evidence.time("at"), what: evidence.text("what") };
}

export function probeIn(body: unknown): Probe {
  const members = new Members(body);
  return {
    result: members.text("result") as Probe["result"],
    evidence: members.list("evidence").map(evidenceIn),
    checkedAt: members.time("checked_at"),
    offline: members.truth("offline"),
    ...defined({
      reason: members.textOr("reason") as Probe["reason"],
      notAsked: members.textOr("not_asked"),
      dependsOn: members.textOr("depends_on") as Probe["dependsOn"],
      fix: members.textOr("fix"),
      expiresAt: members.timeOr("expires_at"),
      missingScopes: members.textsOr("missing_scopes"),
    }),
  };
}

export function handleIn(body: unknown): Handle {
  const members = new Members(body);
  return {
    handleId: members.text("handle_id"),
    grantId: members.text("grant_id"),
    provider: members.text("provider"),
    name: members.text("name"),
    callerId: members.text("caller_id"),
    createdAt: members.time("created_at"),
    ...defined({
      forCaller: members.textOr("for_caller"),
      scopes: members.textsOr("scopes"),
      expiresAt: members.timeOr("expires_at"),
      revokedAt: members.timeOr("revoked_at"),
      lastUsedAt: members.timeOr("last_used_at"),
    }),
  };
}

/** A session of the caller whose key it is. */
export type RemoteSession = Omit<Session, "callerId">;

/** A page of them. */
export interface RemoteSessionPage {
  readonly sessions: readonly RemoteSession[];
  /** Absent: there are no more. */
  readonly cursor?: string;
}

export function sessionIn(body: unknown): RemoteSession {
  const members = new Members(body);
  return {
    sessionId: members.text("session_id"),
    allow: (members.textsOr("allow") ?? []) as RemoteSession["allow"],
    grants: members.textsOr("grants") ?? [],
    createdAt: members.time("created_at"),
    expiresAt: members.time("expires_at"),
    ...defined({ providers: members.textsOr("providers"), scopes: members.textsOr("scopes") }),
  };
}

export function sessionPageIn(body: unknown): RemoteSessionPage {
  const members = new Members(body);
  return { sessions: members.list("sessions").map(sessionIn), ...defined({ cursor: members.textOr("cursor") }) };
}
