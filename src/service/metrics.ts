import type { OnEvent, VaultEvent } from "../index.ts";

/** Counters of a service, as Prometheus reads them at `/metrics`. */
export interface Metrics {
  /** Counts a vault's events: give it to `openVault` as `onEvent`. */
  readonly onEvent: OnEvent;
  /** Counts one answered request. `route` must be one of few values, and never a whole path. */
  countRequest(route: string, status: number): void;
  /** The counters in Prometheus' text format. */
  text(): Promise<{ readonly contentType: string; readonly body: string }>;
}

/** How often something was counted, by the values of its two labels. */
type Counts = Map<string, Map<string, number>>;

/**
 * New counters, in a registry of their own, with those of the process.
 *
 * @returns for the `metrics` of `startServer` or `service`
 */
export function serviceMetrics(): Metrics {
  const events: Counts = new Map();
  const requests: Counts = new Map();
  let reseal: (VaultEvent & { type: "resealing" }) | undefined;
  let registry: ReturnType<typeof registryOf> | undefined;
  return {
    onEvent: (event) => {
      count(events, event.type, "provider" in event ? event.provider : "");
      if (event.type === "resealing") reseal = event;
    },
    countRequest: (route, status) => count(requests, route, String(status)),
    text: async () => {
      // Only who is asked for it loads what writes Prometheus' format, with a quarter of all modules, and measures the
      // process from then on, a hundred times a second.
      registry ??= registryOf(events, requests, () => reseal);
      const { contentType, metrics } = await registry;
      return { contentType, body: await metrics() };
    },
  };
}

function count(counts: Counts, first: string, second: string): void {
  let among = counts.get(first);
  if (among === undefined) counts.set(first, (among = new Map()));
  among.set(second, (among.get(second) ?? 0) + 1);
}

async function registryOf(
  events: Counts,
  requests: Counts,
  reseal: () => (VaultEvent & { type: "resealing" }) | undefined,
): Promise<{ readonly contentType: string; readonly metrics: () => Promise<string> }> {
  const { Counter, Gauge, Registry, collectDefaultMetrics } = await import("@prometheus-io/client");
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const counter = (name: string, help: string, [one, other]: readonly [string, string], counts: Counts): unknown =>
    new Counter({
      name,
      help,
      labelNames: [one, other],
      registers,
      collect() {
        this.reset();
        for (const [first, among] of counts)
          for (const [second, times] of among) this.inc({ [one]: first, [other]: second }, times);
      },
    });
  const gauge = (name: string, help: string, value: () => number): unknown =>
    new Gauge({
      name,
      help,
      registers,
      collect: function collect() {
        this.set(value());
      },
    });
  counter("onbehalf_events_total", "Events of the vault, by type and provider.", ["type", "provider"], events);
  counter("onbehalf_http_requests_total", "Requests answered, by route and status.", ["route", "status"], requests);
  const resealed = "Values that were sealed anew since data keys were replaced last.";
  gauge("onbehalf_resealed_values", resealed, () => reseal()?.resealed ?? 0);
  const fraction = "About how much of the present pass through all sealed values is done, 0 to 1.";
  gauge("onbehalf_reseal_fraction", fraction, () => reseal()?.fraction ?? 0);
  return { contentType: registry.contentType, metrics: () => registry.metrics() };
}
