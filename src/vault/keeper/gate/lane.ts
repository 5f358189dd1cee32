import { closedBreaker } from "../../../core/breaker.ts";
import type { Breaker } from "../../../core/breaker.ts";
import { noDurations, requestOutcomes } from "../../../core/figures.ts";
import type { Durations, RequestOutcome } from "../../../core/figures.ts";

/** The one request that finds out whether a provider works again. Interactive work waits for its end. */
export interface Probe {
  readonly ended: Promise<void>;
  readonly end: () => void;
}

/**
 * What is known of a provider from one kind of requests. Strangers choose what stands in a code's request, so that what
 * a code meets must not keep any grant from being refreshed. The other way round it does count: a provider that fails
 * those whom it knows fails everybody.
 */
export interface Lane {
  breaker: Breaker;
  probe: Probe | undefined;
  refusedWith: string | undefined;
  /** How its requests have ended, and how long they took. */
  readonly outcomes: Record<RequestOutcome, number>;
  readonly took: Durations;
}

export function quietLane(): Lane {
  const outcomes = Object.fromEntries(requestOutcomes.map((outcome) => [outcome, 0])) as Lane["outcomes"];
  return { breaker: closedBreaker, probe: undefined, refusedWith: undefined, outcomes, took: noDurations() };
}

/** Makes the next request of a lane its probe. */
export function beginProbe(lane: Lane): Probe {
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  lane.probe = { ended, end };
  return lane.probe;
}
