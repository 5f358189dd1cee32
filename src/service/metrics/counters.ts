/** What is counted as it happens. Counting must cost next to nothing: it stands in the way of every request. */
import type { VaultEvent } from "../../index.ts";
import { countOne } from "../../core/figures.ts";

/** How often something was counted, by the values of its two labels. */
export type Counts = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** Counts of a service, by the values of their labels. */
export class Counters {
  readonly #events = new Map<string, Map<string, number>>();
  readonly #requests = new Map<string, Map<string, { times: number }>>();
  readonly #signals = new Map<string, Map<string, number>>();
  readonly #kept = new Map<string, Map<string, number>>();
  #reseal: (VaultEvent & { type: "resealing" }) | undefined;

  get events(): Counts {
    return this.#events;
  }

  /** By route and status. */
  get requests(): Counts {
    const rows = [...this.#requests].map(([route, among]) => {
      const counted = [...among].filter(([, { times }]) => times > 0);
      return [route, new Map(counted.map(([status, { times }]) => [status, times]))] as const;
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
    count(this.#events, event.type, "provider" in event ? event.provider : "");
    if (event.type === "resealing") this.#reseal = event;
    else if (event.type === "signal_taken") count(this.#signals, "taken", event.event);
    else if (event.type === "signal_refused") count(this.#signals, event.error, "");
    else if (event.type === "answer_kept") {
      count(this.#kept, event.provider, event.as === "orphan" ? "late_answer" : "memory");
    }
  }

  answered(route: string, status: number): void {
    this.tally(route, status).times += 1;
  }

  /** The count of a route and status, to be added to: without a look for it each time. */
  tally(route: string, status: number): { times: number } {
    let among = this.#requests.get(route);
    if (among === undefined) this.#requests.set(route, (among = new Map()));
    let tally = among.get(String(status));
    if (tally === undefined) among.set(String(status), (tally = { times: 0 }));
    return tally;
  }
}

function count(counts: Map<string, Map<string, number>>, first: string, second: string): void {
  let among = counts.get(first);
  if (among === undefined) counts.set(first, (among = new Map()));
  countOne(among, second);
}
