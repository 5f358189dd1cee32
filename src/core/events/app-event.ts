/**
 * events/ holds what apps are told of their grants, and of the clients and providers that these depend on: which change gives
 * which event, and when the end of a consent is announced. How events are kept, read and delivered does not belong here; nor do
 * log events (../../vault/events.ts), which nothing keeps.
 */
import type { Evidence } from "../diagnosis/diagnosis.ts";
import type { DependsOn } from "../diagnosis/reasons.ts";
import type { Tie } from "../grant.ts";
import type { GrantState } from "../grant-state.ts";

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
  /** What speaks for it, in the order of time: ISO 8601, UTC, and a sentence for people. */
  readonly evidence?: readonly { readonly at: string; readonly what: string }[];
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

/** What an app is told of: a change of a grant, of how a provider treats our client, or of the provider itself. */
export interface AppEvent extends Omit<AppEventBody, "reauthorizeBefore" | "evidence"> {
  /** Numbers have no gaps and become visible in their order. Those of other callers' events are left out of a list. */
  readonly seq: number;
  /** `evt_…`: the same at each delivery. Events with one id are one event. */
  readonly id: string;
  readonly type: AppEventType;
  readonly at: Date;
  /** Absent: it is about no single grant. */
  readonly grantId?: string;
  readonly provider: string;
  readonly clientId: string;
  /** By which of the app's user ids the grant is known now, as far as the reader sees them; empty where it is about no grant. */
  readonly externalIds: readonly Tie[];
  /** When a new consent is known to be needed. */
  readonly reauthorizeBefore?: Date;
  /** What speaks for `reason`, in the order of time. */
  readonly evidence?: readonly Evidence[];
}

/** An event as it is stored. */
export interface StoredEvent extends AppEventDraft {
  readonly seq: number;
  readonly eventId: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** An event as people and programs see it. */
export function eventOf(
  { seq, eventId, type, at, grantId, provider, clientId, body }: StoredEvent,
  externalIds: readonly Tie[],
): AppEvent {
  const { reauthorizeBefore, evidence, ...said } = body;
  return {
    seq,
    id: eventId,
    type,
    at: new Date(at),
    ...(grantId === null ? {} : { grantId }),
    provider,
    clientId,
    externalIds,
    ...said,
    ...(reauthorizeBefore === undefined ? {} : { reauthorizeBefore: new Date(reauthorizeBefore) }),
    ...(evidence === undefined
      ? {}
      : { evidence: evidence.map(({ at: time, what }) => ({ at: new Date(time), what })) }),
  };
}

/** An event as JSON, as the service answers and delivers it: OAuth's spelling, times in ISO 8601. */
export function eventBody(event: AppEvent): Record<string, unknown> {
  return {
    seq: event.seq,
    id: event.id,
    type: event.type,
    at: event.at,
    grant_id: event.grantId,
    provider: event.provider,
    client_id: event.clientId,
    external_ids: event.externalIds.map(({ externalId, account }) => ({ external_id: externalId, account })),
    was: event.was,
    reason: event.reason,
    evidence: event.evidence,
    depends_on: event.dependsOn,
    fix: event.fix,
    error: event.error,
    gained: event.gained,
    lost: event.lost,
    offline: event.offline,
    reauthorize_before: event.reauthorizeBefore,
  };
}
