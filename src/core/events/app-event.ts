/**
 * events/ holds what apps are told of their grants, and of the clients and providers that these depend on: which change gives
 * which event, and when the end of a consent is announced. How events are kept, read and delivered does not belong here; nor do
 * log events (../../vault/events.ts), which nothing keeps.
 */
import type { DependsOn } from "../diagnosis/reasons.ts";
import type { GrantState } from "../grant.ts";

/** What an app is told of. */
export const appEventTypes = [
  /** A grant was made. */
  "grant.created",
  /** It covers other scopes than before. */
  "grant.scopes_changed",
  /** It may have ended. Its next use asks the provider. */
  "grant.suspect",
  /** It has ended, and the person must consent again. */
  "grant.lapsed",
  /** Its consent ends on a day that is known, and that day is near. */
  "grant.consent_ends_soon",
  /** It was ended by us, and the provider has confirmed that, or never will. */
  "grant.revoked",
  /** It was suspect, lapsed or revoked, and works. */
  "grant.recovered",
  /** The provider refuses our client: no grant is to blame. */
  "client.refused",
  /** The provider does not answer, or fails everybody. */
  "provider.down",
  /** It answers again. */
  "provider.back",
] as const;

export type AppEventType = (typeof appEventTypes)[number];

/** What an event says besides which one it is. It never holds a token, a name or an e-mail address. */
export interface AppEventBody {
  /** Why, in one word: a reason of core/diagnosis. */
  readonly reason?: string;
  /** Who can do something about it. */
  readonly dependsOn?: DependsOn;
  /** What to do, one sentence, lower case. */
  readonly fix?: string;
  /** What the grant was before. */
  readonly was?: GrantState;
  /** Scopes that the grant covers and did not cover before, in the provider's names. */
  readonly gained?: readonly string[];
  /** Scopes that it does not cover any more. */
  readonly lost?: readonly string[];
  /** When a new consent is known to be needed: ISO 8601, UTC. */
  readonly reauthorizeBefore?: string;
  /** Whether a refresh token is held, so that access goes on while the person is away. */
  readonly offline?: boolean;
  /** What the provider said last, in its own word. */
  readonly error?: string;
}

/** An event before it is numbered. */
export interface AppEventDraft {
  readonly type: AppEventType;
  /** Null: it is about no single grant. */
  readonly grantId: string | null;
  /** The provider's short name. */
  readonly provider: string;
  readonly clientId: string;
  readonly body: AppEventBody;
}
