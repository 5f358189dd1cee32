import { defined } from "../../core/defined.ts";
import { eventTypeOf } from "./event-types.ts";
import type { SecurityEventType } from "./event-types.ts";
import { isObject, readSubject } from "./subject.ts";
import type { EventSubject } from "./subject.ts";

/** Something that happened to an account, as the token says it. */
export interface SecurityEvent {
  /** Undefined: nobody here knows this kind. */
  readonly type: SecurityEventType | undefined;
  /** Undefined: the event is about nobody in particular, such as a verification. */
  readonly subject: EventSubject | undefined;
  /** When it happened, milliseconds since the epoch. */
  readonly happenedAt: number;
  /** Words that some kinds have, such as `hijacking` or `delete`: lower-case letters, digits and hyphens, otherwise left out. */
  readonly reason?: string;
  readonly change?: string;
  readonly status?: string;
  /** Of a verification: what the request for it contained. */
  readonly state?: string;
}

/** How many events of one token are read. */
const mostEvents = 16;
const longestState = 2_048;

/**
 * Reads the events of a token.
 *
 * @param claims of the token, whose signature is verified
 * @param issuedAt when the token was made, milliseconds since the epoch
 * @returns a sentence where something about them is wrong
 * @see https://www.rfc-editor.org/rfc/rfc8417#section-2
 */
export function readEvents(
  claims: Readonly<Record<string, unknown>>,
  issuedAt: number,
): readonly SecurityEvent[] | string {
  const { events, iss, sub, sub_id: subjectId, toe } = claims;
  const given = isObject(events) ? Object.entries(events) : [];
  if (given.length === 0) return "events must be an object with one event or more";
  if (given.length > mostEvents) return `events must have ${mostEvents} members at most`;
  // The claim `sub` is that of the token's issuer.
  const ofToken = subjectId ?? (sub === undefined ? undefined : { format: "iss_sub", iss, sub });
  const read: SecurityEvent[] = [];
  for (const [uri, payload] of given) {
    if (!isObject(payload)) return "each event must be an object";
    const type = eventTypeOf(uri);
    const named = payload["subject"] ?? ofToken;
    const subject = named === undefined ? undefined : readSubject(named);
    // What an event says that nobody knows need not be understood either.
    if (type !== undefined && named !== undefined && subject === undefined)
      return "the subject of an event is malformed";
    if (type !== undefined && subject === undefined && !isAboutNobody(type)) return "an event must have a subject";
    read.push(
      defined({
        type,
        subject,
        happenedAt: timeOf(payload["event_timestamp"], timeOf(toe, issuedAt)),
        reason: word(payload["reason"]),
        change: word(payload["change_type"] ?? payload["change_direction"]),
        status: word(payload["current_status"]),
        state: type === "verification" ? stateOf(payload["state"]) : undefined,
      }) as SecurityEvent,
    );
  }
  return read;
}

function isAboutNobody(type: SecurityEventType): boolean {
  return type === "verification" || type === "stream-updated";
}

/** Seconds since the epoch, as milliseconds. What cannot be, or lies after the token that tells of it, is not believed. */
function timeOf(value: unknown, issuedAt: number): number {
  return typeof value === "number" && value > 0 && value * 1000 <= issuedAt ? Math.floor(value * 1000) : issuedAt;
}

/** These words are stored and shown, so nothing else can be. */
function word(value: unknown): string | undefined {
  return typeof value === "string" && /^[a-z0-9_-]{1,64}$/i.test(value) ? value.toLowerCase() : undefined;
}

function stateOf(value: unknown): string | undefined {
  return typeof value === "string" && value.length <= longestState ? value : undefined;
}
