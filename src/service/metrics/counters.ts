/** What is counted as it happens. Counting must cost next to nothing: it stands in the way of every request. */
import type { VaultEvent } from "../../index.ts";
import { countOne } from "../../core/figures.ts";

/** How often something was counted, by the values of its two labels. */
export type Counts = ReadonlyMap<string, ReadonlyMap<string, number>>;

interface Tally {
  readonly route: string;
  readonly status: number;
  times: number;
}

/** Counts of a service, by the values of their labels. */
export class Counters {
  readonly #events = new Map<string, Map<string, number>>();
  readonly #requests = new Map<string, Map<number, Tally>>();
  #last: Tally = { route: "", status: 0, times: 0 };
  readonly #signals = new Map<string, Map<string, number>>();
  readonly #kept = new Map<string, Map<string, number>>();
  #reseal: (VaultEvent & { type: "resealing" }) | undefined;

  get events(): Counts {
    return this.#events;
  }

  /** By route and status. */
  get requests(): Counts {
    const rows = [...this.#requests].map(([route, among]) => {
      return [route, new Map([...among.values()].map(({ status, times }) => [String(status), times]))] as const;
    });
    return new Map(rows);
  }

  /** By what became of a security event, and its short name. */
  get signals(): Counts {
    return this.#signals;
  }

  /** By provider, and where the answer is kept. */
  get kept(): Counts {
    return this.#kept;
  }

  get reseal(): (VaultEvent & { type: "resealing" }) | undefined {
    return this.#reseal;
  }

  heard(event: VaultEvent): void {
    count(this.#events, nameOf(event), "provider" in event ? event.provider : "");
    if (event.type === "resealing") this.#reseal = event;
    else if (event.type === "signal_taken") count(this.#signals, "taken", event.event);
    else if (event.type === "signal_refused") count(this.#signals, event.error, "");
    else if (event.type === "answer_kept") {
      count(this.#kept, event.provider, event.as === "orphan" ? "late_answer" : "memory");
    }
  }

  answered(route: string, status: number): void {
    // Most answers are tokens of memory: a request like the last one costs no look for its count.
    if (route !== this.#last.route || status !== this.#last.status) this.#last = this.#tally(route, status);
    this.#last.times += 1;
  }

  #tally(route: string, status: number): Tally {
    let among = this.#requests.get(route);
    if (among === undefined) this.#requests.set(route, (among = new Map()));
    let tally = among.get(status);
    if (tally === undefined) among.set(status, (tally = { route, status, times: 0 }));
    return tally;
  }
}

function count(counts: Map<string, Map<string, number>>, first: string, second: string): void {
  let among = counts.get(first);
  if (among === undefined) counts.set(first, (among = new Map()));
  countOne(among, second);
}

/**
 * A grant without a refresh token ends an hour after each sign-in, as was to be expected. Among those that lapsed, an app that wants no
 * refresh tokens would raise the alarm every day.
 */
function nameOf(event: VaultEvent): string {
  return event.type === "lapsed" && event.reason === "no_refresh_token" ? "access_ended" : event.type;
}
