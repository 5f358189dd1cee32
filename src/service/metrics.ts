import { Counter, Gauge, Registry, collectDefaultMetrics } from "@prometheus-io/client";
import type { OnEvent } from "../index.ts";

/** Counters of a service, as Prometheus reads them at `/metrics`. */
export interface Metrics {
  /** Counts a vault's events: give it to `openVault` as `onEvent`. */
  readonly onEvent: OnEvent;
  /** Counts one answered request. `route` must be one of few values, and never a whole path. */
  countRequest(route: string, status: number): void;
  /** The counters in Prometheus' text format. */
  text(): Promise<{ readonly contentType: string; readonly body: string }>;
}

/**
 * New counters, in a registry of their own, with those of the process.
 *
 * @returns for the `metrics` of `startServer` or `service`
 */
export function serviceMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const events = new Counter({
    name: "onbehalf_events_total",
    help: "Events of the vault, by type and provider.",
    labelNames: ["type", "provider"],
    registers: [registry],
  });
  const requests = new Counter({
    name: "onbehalf_http_requests_total",
    help: "Requests answered, by route and status.",
    labelNames: ["route", "status"],
    registers: [registry],
  });
  const resealed = new Gauge({
    name: "onbehalf_resealed_values",
    help: "Values that were sealed anew since data keys were replaced last.",
    registers: [registry],
  });
  const fraction = new Gauge({
    name: "onbehalf_reseal_fraction",
    help: "About how much of the present pass through all sealed values is done, 0 to 1.",
    registers: [registry],
  });
  return {
    onEvent: (event) => {
      events.inc({ type: event.type, provider: "provider" in event ? event.provider : "" });
      if (event.type !== "resealing") return;
      resealed.set(event.resealed);
      fraction.set(event.fraction);
    },
    countRequest: (route, status) => requests.inc({ route, status: String(status) }),
    text: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}
