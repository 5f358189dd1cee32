/*
 * What a security event does to a grant: decisions over plain data, and nothing else. An event is the provider's own word,
 * and its signature is verified. All the same only what says that a consent has ended ends a grant. Everything else makes us
 * ask the provider, whose answer counts.
 */
import type { GrantState } from "../../core/grant-state.ts";
import type { SecurityEventType } from "../../oauth/security-event-token/event-types.ts";
import type { GrantRow } from "../../store/grant-row.ts";
import type { SignalEffect } from "../../store/signal-store.ts";

/**
 * What an event means for a consent. `ended`: it is over. `doubted`: it may be, so ask. `restored`: what was over may be
 * alive again, so ask. `told`: it says nothing of the consent.
 */
export type Meaning = "ended" | "doubted" | "restored" | "told";

export const meanings: Readonly<Record<SecurityEventType, Meaning>> = {
  "tokens-revoked": "ended",
  "token-revoked": "ended",
  "account-purged": "ended",
  "sessions-revoked": "doubted",
  "session-revoked": "doubted",
  "account-disabled": "doubted",
  "account-credential-change-required": "doubted",
  "credential-compromise": "doubted",
  "credential-change": "doubted",
  "token-claims-change": "doubted",
  "assurance-level-change": "doubted",
  "device-compliance-change": "doubted",
  "account-enabled": "restored",
  // A person is known by the provider's id for them, which none of these changes.
  "identifier-changed": "told",
  "identifier-recycled": "told",
  "recovery-activated": "told",
  "recovery-information-changed": "told",
  // Whether more events come about them.
  "opt-in": "told",
  "opt-out-initiated": "told",
  "opt-out-cancelled": "told",
  "opt-out-effective": "told",
  "session-established": "told",
  "session-presented": "told",
  "risk-level-change": "told",
  verification: "told",
  "stream-updated": "told",
};

const effects: Readonly<Record<Meaning, Readonly<Record<GrantState, SignalEffect | "nothing">>>> = {
  ended: { active: "lapse", suspect: "lapse", lapsed: "note", revoking: "nothing", revoked: "nothing" },
  doubted: { active: "suspect", suspect: "suspect", lapsed: "note", revoking: "nothing", revoked: "nothing" },
  restored: { active: "note", suspect: "look", lapsed: "look", revoking: "nothing", revoked: "nothing" },
  told: { active: "note", suspect: "note", lapsed: "note", revoking: "nothing", revoked: "nothing" },
};

/** An exchange that succeeded so long after an event proves that the event ended nothing, milliseconds: ends take a while. */
export const provenAfterMs = 600_000;

/** What is known of an event about one grant. */
export interface SaidOfGrant {
  readonly type: SecurityEventType;
  /** Words that some events have. */
  readonly change?: string | undefined;
  readonly status?: string | undefined;
  /** When it happened, milliseconds since the epoch; in whole seconds. */
  readonly happenedAt: number;
  /**
   * How the grant was found. `token`: by the refresh token that it holds. `person`: by whose it is. `part`: the event is about
   * one session or device of that person, or about a token of another grant that may have ended together with this one.
   */
  readonly by: "token" | "person" | "part";
}

/** The columns of a grant that decide. */
export type GrantStanding = Pick<GrantRow, "state" | "reason" | "refreshSealed" | "accessIssuedAt">;

/** What an event does to a grant. `nothing`: the grant was ended here, and nobody needs to know more of it. */
export function effectOf(said: SaidOfGrant, grant: GrantStanding): SignalEffect | "nothing" {
  const effect = effects[meaningOf(said)][grant.state];
  const isOffline = grant.refreshSealed !== null;
  // Nothing can be asked about it.
  const asked = isOffline ? "suspect" : "note";
  switch (effect) {
    case "lapse":
      if (said.by === "part") return asked;
      return exchangedSince(said, grant) === "no"
        ? "lapse"
        : said.by === "token"
          ? asked
          : ifUnproven(said, grant, asked);
    case "suspect":
      return ifUnproven(said, grant, asked);
    case "look":
      return isOffline && mayComeBack(grant) ? "look" : "note";
    case "note":
    case "nothing":
      return effect;
  }
}

function meaningOf({ type, change, status }: SaidOfGrant): Meaning {
  // A second factor that was added ends nothing.
  if (type === "credential-change" && change === "create") return "told";
  if (type === "assurance-level-change" && change === "increase") return "told";
  if (type === "device-compliance-change" && status === "compliant") return "told";
  return meanings[type];
}

function ifUnproven(said: SaidOfGrant, grant: GrantStanding, effect: SignalEffect): SignalEffect {
  return exchangedSince(said, grant) === "long" ? "note" : effect;
}

/** Whether the provider gave tokens for this grant after the event: then the event was about an older consent, or came late. */
function exchangedSince({ happenedAt }: SaidOfGrant, { accessIssuedAt }: GrantStanding): "no" | "shortly" | "long" {
  // Events are dated in whole seconds.
  const exchangedAt = Math.floor((accessIssuedAt ?? 0) / 1000) * 1000;
  if (exchangedAt <= happenedAt) return "no";
  return exchangedAt > happenedAt + provenAfterMs ? "long" : "shortly";
}

/** Not where the token was replaced, and the new one is lost: to send the old one again may end what came of it. */
function mayComeBack({ state, reason }: GrantStanding): boolean {
  return state === "suspect" || (reason !== "crash_ambiguous_rotation" && reason !== "no_refresh_token");
}

const strength: readonly (SignalEffect | "nothing")[] = ["nothing", "note", "look", "suspect", "lapse"];

/** Of two effects on one grant, whether the first does more. */
export function isStronger(one: SignalEffect | "nothing", other: SignalEffect | "nothing"): boolean {
  return strength.indexOf(one) > strength.indexOf(other);
}
