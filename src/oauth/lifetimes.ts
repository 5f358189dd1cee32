import { defined } from "../core/defined.ts";
import type { Provider } from "../providers/provider.ts";

/** What an answer says about how long things live, counted from when the request was sent. */
export interface Lifetimes {
  /** Of the access token. Absent: the provider did not say, or not in a way that can be read. */
  readonly expiresInSeconds?: number;
  /**
   * Of the refresh token, where a refresh moves its end. 0: it has no end. Absent: the provider did not say.
   */
  readonly refreshTokenExpiresInSeconds?: number;
  /** Of the consent itself, whose end no refresh moves. 0: it has no end. Absent: the provider did not say. */
  readonly consentExpiresInSeconds?: number;
}

/** What a provider's record says about lifetimes. */
export type LifetimeHabits = Pick<Provider, "accessTokenTtlSeconds" | "announcedEnds">;

/** A century. Whatever a provider writes, the time at which a token ends must stay within the range of a date. */
const longestLifeSeconds = 3_155_760_000;

/** No token lives for ten years. A number beyond that is a point in time, where it is a time of these decades. */
export const tenYearsSeconds = 315_576_000;

/** From this number on, a point in time is written in milliseconds. */
const firstMilliseconds = 100_000_000_000;

/** Names under which providers announce the end of the access token, as a life or as a point in time. */
const accessLives = ["expires_in", "ext_expires_in", "expires"] as const;
const accessEnds = ["expires_at", "expires_on"] as const;

/** Names under which providers announce the end of a refresh token or of a consent. A record may add others. */
const usualEnds: NonNullable<Provider["announcedEnds"]> = {
  refresh_token_expires_in: "moves",
  refresh_token_expires_at: "moves",
  refresh_token_timeout: "moves",
  refresh_expires_in: "moves",
  refresh_expires_at: "moves",
  x_refresh_token_expires_in: "moves",
  authorization_expires_in: "fixed",
  authorization_expires_at: "fixed",
  consent_expires_in: "fixed",
  consent_expires_at: "fixed",
};

/**
 * Reads what an answer says about lifetimes.
 *
 * - A number of seconds, as a number or as digits (`"3600"`, `"3600s"`, `3599.7`), is rounded down. Below 0 is 0: over.
 * - A number that is a time of these decades, in seconds or milliseconds, and a date in ISO 8601 are points in time.
 * - What is longer than a century counts as a century.
 * - Anything else, such as null, `true` or `"an hour"`, says nothing.
 *
 * Where an access token has several ends, the earliest counts. A point in time that has passed already does not count
 * beside a life: then the two clocks differ, and a life needs no clock.
 *
 * @param now when the request was sent, milliseconds since the epoch
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.1
 */
export function lifetimesOf(
  members: Readonly<Record<string, unknown>>,
  now: number,
  { accessTokenTtlSeconds, announcedEnds = {} }: LifetimeHabits = {},
): Lifetimes {
  const names = Object.entries({ ...usualEnds, ...announcedEnds });
  const endOf = (kind: "moves" | "fixed"): number | undefined =>
    shortestEnd(names.filter(([, each]) => each === kind).map(([name]) => secondsFrom(members[name], now)));
  return defined({
    expiresInSeconds: accessLife(members, now) ?? accessTokenTtlSeconds,
    refreshTokenExpiresInSeconds: endOf("moves"),
    consentExpiresInSeconds: endOf("fixed"),
  });
}

function accessLife(members: Readonly<Record<string, unknown>>, now: number): number | undefined {
  const lives = accessLives.map((name) => secondsFrom(members[name], now)).filter((life) => life !== undefined);
  const ends = accessEnds
    // 0 stands for no end here: no token ended in 1970.
    .filter((name) => numberOf(members[name]) !== 0)
    .map((name) => secondsFrom(members[name], now))
    .filter((life) => life !== undefined);
  const told = lives.length === 0 ? ends : [...lives, ...ends.filter((life) => life > 0)];
  return told.length === 0 ? undefined : Math.max(0, Math.min(...told));
}

/** The shortest of the lives that have an end; 0 where the answer says that there is none. */
function shortestEnd(lives: readonly (number | undefined)[]): number | undefined {
  const told = lives.filter((life) => life !== undefined);
  // Below 0: a point in time that has passed. It is an end, though no answer that brings tokens should say so.
  const ends = told.filter((life) => life !== 0).map((life) => Math.max(1, life));
  return ends.length > 0 ? Math.min(...ends) : told.length > 0 ? 0 : undefined;
}

/** Whole seconds from now, below 0 where a point in time has passed; undefined where the value says nothing. */
function secondsFrom(value: unknown, now: number): number | undefined {
  const number = numberOf(value);
  const time = number === undefined ? timeOf(value) : epochTimeOf(number, now);
  if (time !== undefined) return Math.min(Math.floor((time - now) / 1000), longestLifeSeconds);
  return number === undefined ? undefined : Math.min(Math.max(Math.floor(number), 0), longestLifeSeconds);
}

/** A number, or one in digits, also with the `s` of a Duration (`"3600s"`). */
function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isNaN(value) ? undefined : value;
  const digits = typeof value === "string" ? /^\s*([+-]?\d+(?:\.\d+)?)s?\s*$/.exec(value)?.[1] : undefined;
  return digits === undefined ? undefined : Number(digits);
}

/** The point in time that a number is, milliseconds since the epoch; undefined where it is a life. */
function epochTimeOf(number: number, now: number): number | undefined {
  if (number <= tenYearsSeconds) return undefined;
  const time = number < firstMilliseconds ? number * 1000 : number;
  return Math.abs(time - now) <= tenYearsSeconds * 1000 ? time : undefined;
}

/** The point in time of a date in ISO 8601, in UTC where it names no zone, or in the form of HTTP. */
function timeOf(value: unknown): number | undefined {
  if (typeof value !== "string") return undefined;
  const text = value.trim();
  const iso = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$/i.exec(text);
  if (iso === null && !/^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} [\d:]{8} GMT$/.test(text)) return undefined;
  const time = Date.parse(iso === null ? text : `${text.replace(" ", "T")}${iso[1] === undefined ? "Z" : ""}`);
  return Number.isNaN(time) ? undefined : time;
}
