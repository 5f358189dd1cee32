/**
 * The events of a vault: what happened to grants and to our clients. What a program must decide on does not belong
 * here: that is a result or an error. Who listens does not belong here either.
 */
import type { DependsOn, Reason } from "../core/diagnosis/reasons.ts";
import type { ClaimOfGrant } from "../oauth/token-set.ts";

/** Something that happened to a grant or to our client, for logs and metrics. It never carries a token. */
export type VaultEvent =
  | { readonly type: "grant_stored"; readonly grantId: string; readonly provider: string; readonly offline: boolean }
  | { readonly type: "code_rejected"; readonly provider: string; readonly error: string }
  /** A used code came again: more than 60 seconds later, or in a request that differs from the first one. */
  | { readonly type: "code_reused"; readonly provider: string }
  /** The provider's keys cannot be read. The keeper finishes the sign-in once they can. */
  | { readonly type: "sign_in_waits"; readonly provider: string; readonly error: string }
  /** A sign-in is done that had waited, or whose process had died. */
  | { readonly type: "sign_in_finished"; readonly grantId: string; readonly provider: string }
  /** A sign-in by a connect link has come back, and waits for the app to prove that it was its user's. */
  | { readonly type: "sign_in_held"; readonly provider: string }
  /**
   * What such a sign-in had brought was ended: nobody has proved in time that it was the app's user's. `revoked`: the
   * provider was told. False: that might have ended another grant.
   */
  | { readonly type: "sign_in_discarded"; readonly provider: string; readonly revoked: boolean }
  /** `clockAheadMs`: our clock is wrong, by so many milliseconds; negative: it is behind. Absent: it is right. */
  | {
      readonly type: "id_token_refused";
      readonly provider: string;
      readonly check: string;
      readonly clockAheadMs?: number;
    }
  | { readonly type: "refreshed"; readonly grantId: string; readonly provider: string; readonly generation: number }
  | {
      readonly type: "refresh_failed";
      readonly grantId: string;
      readonly provider: string;
      readonly error: string;
      readonly ambiguous: boolean;
    }
  /**
   * An alarm: the answer to this grant's refresh was meant for another grant. A proxy, or the provider, mixes up
   * people's answers. Nothing of the answer was used. `claim`: of its ID token, the one that names somebody else.
   */
  | {
      readonly type: "answer_of_another_grant";
      readonly grantId: string;
      readonly provider: string;
      readonly claim: ClaimOfGrant;
    }
  /**
   * The provider's discovery document could not be read when the vault was opened, or what an MCP server says of itself when
   * it was needed. The next use reads it.
   */
  | { readonly type: "discovery_failed"; readonly provider: string; readonly message: string }
  /**
   * The provider refuses this grant in a code that nobody here knows. The grant alone backs off. Say in the provider's
   * `refusals` what the code means. Told once, however often the same code comes in a row.
   */
  | { readonly type: "unknown_refusal"; readonly grantId: string; readonly provider: string; readonly error: string }
  /** A key was made that the client's refresh tokens are bound to from now on. A second time, the first one is gone. */
  | {
      readonly type: "dpop_key_created";
      readonly provider: string;
      readonly clientId: string;
      /** RFC 7638. */
      readonly thumbprint: string;
    }
  /** A client was registered at the authorization server of an MCP server. A second time, the first one is gone. */
  | {
      readonly type: "client_registered";
      readonly provider: string;
      readonly clientId: string;
      readonly issuer: string;
    }
  /** An alarm: that key does not open. Grants whose refresh token is bound to it are not refreshed; none is ended. */
  | { readonly type: "dpop_key_lost"; readonly provider: string; readonly clientId: string }
  /** An alarm: the provider refuses this client, or what we send for it. An operator must correct its settings. */
  | { readonly type: "client_refused"; readonly provider: string; readonly clientId: string; readonly error: string }
  /**
   * The grant covers other scopes than before, in the provider's own names. What is `lost` was taken away: the person
   * must be asked for it again.
   */
  | {
      readonly type: "scopes_changed";
      readonly grantId: string;
      readonly provider: string;
      readonly gained: readonly string[];
      readonly lost: readonly string[];
    }
  /** One of the app's users is known by another grant now, because the app asked for that. `from`: the one before. */
  | {
      readonly type: "external_id_moved";
      readonly grantId: string;
      readonly provider: string;
      readonly from: string;
    }
  /** A user of the app signed in with another account than the one that is connected, and stays with that one. */
  | {
      readonly type: "external_id_conflict";
      readonly grantId: string;
      readonly provider: string;
      readonly heldBy: string;
    }
  /** The person must consent again. The rest says why, as the grant itself does. */
  | {
      readonly type: "lapsed";
      readonly grantId: string;
      readonly provider: string;
      readonly reason: Reason;
      readonly dependsOn: DependsOn;
      readonly fix: string;
    }
  /** A grant that had lapsed lives: a later look, or an answer that came late, brought tokens. */
  | { readonly type: "recovered"; readonly grantId: string; readonly provider: string }
  /**
   * An answer with tokens could not be stored on its grant. `as: "orphan"`: the grant had moved on, and the answer is
   * kept beside it. `as: "memory"`: the store failed, and the keeper holds the answer and goes on trying.
   */
  | {
      readonly type: "answer_kept";
      readonly grantId: string;
      readonly provider: string;
      readonly as: "orphan" | "memory";
    }
  | {
      readonly type: "revoked";
      readonly grantId: string;
      readonly provider: string;
      /**
       * Grants that the provider may have ended with it. Each is `suspect` until an exchange has shown whether it
       * works.
       */
      readonly siblings: readonly string[];
      /** Why the provider did not confirm, and never will. Absent: it did. */
      readonly unconfirmed?: string;
    }
  /**
   * A security event of a provider was taken: `event` is its short name, or `unknown`. `grants`: those that it is about, and
   * what it did to each. None: nobody of ours is meant, or nobody who can be found.
   */
  | {
      readonly type: "signal_taken";
      readonly issuer: string;
      readonly event: string;
      readonly grants: readonly { readonly grantId: string; readonly effect: "lapse" | "suspect" | "look" | "note" }[];
    }
  /** What was sent as a security event is none, or nobody's who is trusted. `error`: as RFC 8935 calls it. */
  | { readonly type: "signal_refused"; readonly error: string }
  /** Apps were told that the consent of a grant ends soon, whatever is done: the person must consent again by then. */
  | { readonly type: "consent_ends_soon"; readonly grantId: string; readonly provider: string }
  /** The provider has not confirmed a revocation. The keeper sends it again. */
  | { readonly type: "revocation_waits"; readonly grantId: string; readonly provider: string; readonly error: string }
  /** A sealed value of the grant does not open: it is damaged. */
  | { readonly type: "unreadable"; readonly grantId: string; readonly provider: string }
  /**
   * Callers got a keyed hash of their rights, as at the first opening after an update. An alarm at any later time: their
   * rows were changed by hand.
   */
  | { readonly type: "callers_bound"; readonly names: readonly string[] }
  /** New data keys seal from now on; what the older ones of their classes have sealed is sealed anew. */
  | { readonly type: "data_keys_promoted"; readonly keyIds: readonly number[] }
  /**
   * Values are sealed anew. `resealed`: how many so far. `fraction`: about how much of this pass is done, 0 to 1.
   * `unreadable`: how many this pass has met that do not open, and stay as they are.
   */
  | {
      readonly type: "resealing";
      readonly resealed: number;
      readonly unreadable: number;
      readonly round: number;
      readonly fraction: number;
    }
  /** Nothing is left under these data keys. */
  | { readonly type: "data_keys_retired"; readonly keyIds: readonly number[] }
  /**
   * An alarm: the store's data keys have changed, and this process cannot open them all, such as for want of the newest
   * master key. It goes on with those that it has, and no new key seals before it can.
   */
  | { readonly type: "data_keys_closed"; readonly message: string }
  /**
   * A caller used many times more grants in this hour than in any of its hours before, as somebody does who stole its key.
   * Told once an hour. `usual`: the most of an hour before. Both are about right.
   */
  | { readonly type: "unusual_reads"; readonly caller: string; readonly grants: number; readonly usual: number }
  /** An alarm: the database's structure is damaged, in its own words. What can be read is served on. */
  | { readonly type: "store_damaged"; readonly damage: string }
  /**
   * An alarm: this database is an older backup of itself, or a copy (`why`); or an operator has said so (`told`). Until one says
   * that it may go on, nothing is sent in the background, nor where that could end a grant. `backupAt`: when it was last known to
   * be itself; null: nobody knows.
   */
  | {
      readonly type: "store_standstill";
      readonly why: "restored" | "copied" | "told";
      readonly since: Date;
      readonly backupAt: Date | null;
    }
  /** An operator has said that the store may go on: it was restored, or only moved. */
  | { readonly type: "store_settled"; readonly outcome: "restored" | "moved" }
  /** The database's server has lost its last commits, as many changes of grants as this at least: a replica took over. */
  | { readonly type: "store_behind"; readonly changes: number }
  /**
   * An alarm: the audit log is not as it was written, in the row `seq`, or in those up to `upTo`. `faults`: how much is
   * wrong in the rows that were read, 100 at most. Told once by each process.
   */
  | {
      readonly type: "audit_broken";
      readonly seq: number;
      readonly upTo?: number;
      readonly problem: "missing" | "changed" | "moved" | "cut" | "head_differs";
      readonly faults: number;
    }
  /**
   * An event was not delivered to the app's address for a day, and is not tried any more. `onbehalf events dead` shows it,
   * `events replay --dead` tries it again.
   */
  | { readonly type: "webhook_given_up"; readonly seq: number; readonly provider: string; readonly error: string }
  /** Nothing is delivered to the app's address any more: its receiver wants no more. */
  | { readonly type: "webhook_stopped"; readonly reason: string }
  /** Work failed that is tried again. `during` names it. */
  | { readonly type: "store_failed"; readonly during: string; readonly message: string };

/** What an event or a fault came of. */
export interface AboutWork {
  /** The id of the request that the work was done for; absent where it was nobody's in particular. */
  readonly requestId?: string;
}

/** Told of every event, as it happens. Must not throw. */
export type OnEvent = (event: VaultEvent, about?: AboutWork) => void;
