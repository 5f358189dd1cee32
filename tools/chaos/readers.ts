/** The readers of a run: they ask services for access tokens all the time, and count what they are told. */
import { between, oneOf } from "../random.ts";
import { pause } from "./processes.ts";
import type { Fleet } from "./fleet.ts";
import type { People } from "./people.ts";

/** A request without an answer after so long counts as unanswered, milliseconds. */
export const silentMs = 60_000;

/** What one request for a token brought. */
export type Reading =
  | { readonly kind: "token"; readonly accessToken: string; readonly expiresAt: number }
  /** The person must consent again, and the answer says so. */
  | { readonly kind: "flagged"; readonly reason: string; readonly since: number }
  /** No token now, and the answer says why. */
  | { readonly kind: "refused"; readonly error: string }
  /** The connection failed, or the reader gave up. */
  | { readonly kind: "broken" }
  /** No answer came. */
  | { readonly kind: "hung" };

/**
 * Asks a service for a token, once.
 *
 * @param givenUp ends the wait: a client asks another service when this one is disturbed
 */
export async function readToken(
  service: string,
  grantId: string,
  key: string,
  givenUp?: AbortSignal,
): Promise<Reading> {
  const silence = AbortSignal.timeout(silentMs);
  try {
    const response = await fetch(`${service}/v1/grants/${grantId}/token?min_ttl_seconds=1`, {
      headers: { authorization: `Bearer ${key}` },
      signal: givenUp === undefined ? silence : AbortSignal.any([silence, givenUp]),
    });
    const body = (await response.json()) as Record<string, unknown>;
    if (response.status === 200) {
      return {
        kind: "token",
        accessToken: String(body["access_token"]),
        expiresAt: Number(body["expires_at"]) * 1000,
      };
    }
    const error = String(body["error"]);
    return response.status === 409 && error === "reauthorization_required"
      ? { kind: "flagged", reason: String(body["reason"]), since: Date.parse(String(body["since"])) }
      : { kind: "refused", error: `${response.status} ${error}` };
  } catch {
    return silence.aborted ? { kind: "hung" } : { kind: "broken" };
  }
}

/** What all readers of a run were told. */
export interface Readings {
  tokens: number;
  /** Requests that failed, or were given up, because their service was killed or stopped. */
  broken: number;
  /** Requests to undisturbed services that had no answer after a minute. */
  hung: number;
  /** How many requests were told to try again, by status and error code. */
  readonly refused: Map<string, number>;
  /** How often the API refused a fresh token, by grant. */
  readonly refusedByApi: Map<string, number>;
  /** Each token that was given, once, by grant. */
  readonly given: Map<string, Set<string>>;
}

/** Starts readers. Each asks for a token of any grant at any service, again and again, until `stopped` aborts. */
export async function read(
  readers: number,
  {
    fleet,
    grantIds,
    key,
    random,
    accepts,
    people,
  }: {
    readonly fleet: Fleet;
    readonly grantIds: readonly string[];
    readonly key: string;
    readonly random: () => number;
    /** Whether the API accepts a grant's token. */
    readonly accepts: (grantId: string, accessToken: string) => Promise<boolean>;
    readonly people: People;
  },
  stopped: AbortSignal,
): Promise<Readings> {
  const readings: Readings = {
    tokens: 0,
    broken: 0,
    hung: 0,
    refused: new Map(),
    refusedByApi: new Map(),
    given: new Map(),
  };
  const one = async (): Promise<void> => {
    while (!stopped.aborted) {
      await pause(between(random, 20, 200));
      const grantId = oneOf(random, grantIds);
      const service = oneOf(random, fleet.up);
      if (service === undefined || grantId === undefined) continue;
      const reading = await readToken(service.url, grantId, key, service.disturbed);
      switch (reading.kind) {
        case "token":
          readings.tokens += 1;
          readings.given.set(grantId, (readings.given.get(grantId) ?? new Set()).add(reading.accessToken));
          // A token that has expired meanwhile proves nothing: on a busy machine the check may come late.
          if (random() < 0.05 && !(await accepts(grantId, reading.accessToken)) && Date.now() < reading.expiresAt) {
            count(readings.refusedByApi, grantId);
          }
          break;
        case "flagged":
          await people.flagged(grantId, reading.reason, reading.since, service.url);
          break;
        case "refused":
          count(readings.refused, reading.error);
          break;
        case "broken":
          readings.broken += 1;
          break;
        case "hung":
          readings.hung += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: readers }, one));
  return readings;
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
