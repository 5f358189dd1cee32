import type { OnEvent } from "../index.ts";
import { Counters } from "./metrics/counters.ts";
import type { MetricSources } from "./metrics/sources.ts";

/** Counters of a service, as Prometheus reads them at `/metrics`. */
export interface Metrics {
  /** Counts a vault's events: give it to `openVault` as `onEvent`. */
  readonly onEvent: OnEvent;
  /** Counts one answered request. `route` must be one of few values, and never a whole path. */
  countRequest(route: string, status: number): void;
  /** Says who is to be asked as well when the counters are read. The service does so itself. @internal */
  watch?(sources: MetricSources): void;
  /** The counters in Prometheus' text format. */
  text(): Promise<{ readonly contentType: string; readonly body: string }>;
}

/**
 * New counters, in a registry of their own, with those of the process.
 *
 * @returns for the `metrics` of `startServer` or `service`
 */
export function serviceMetrics(): Metrics {
  const counters = new Counters();
  let sources: MetricSources = {};
  let registry: ReturnType<typeof registryOf> | undefined;
  return {
    onEvent: (event) => counters.heard(event),
    countRequest: (route, status) => counters.answered(route, status),
    watch: (more) => {
      sources = { ...sources, ...more };
    },
    text: async () => {
      // Only who is asked for it loads what writes Prometheus' format, with a quarter of all modules, and measures the
      // process from then on, a hundred times a second.
      registry ??= registryOf();
      const [{ contentType, metrics }, { collect }] = await Promise.all([registry, import("./metrics/collect.ts")]);
      const [own, ofProcess] = await Promise.all([collect(counters, sources), metrics()]);
      return { contentType, body: own + ofProcess };
    },
  };
}

async function registryOf(): Promise<{ readonly contentType: string; readonly metrics: () => Promise<string> }> {
  // By its default: names of a CommonJS module are Node's guess, and a bundle has none of them.
  const { default: client } = await import("@prometheus-io/client");
  const { Registry, collectDefaultMetrics } = client;
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return { contentType: registry.contentType, metrics: () => registry.metrics() };
}
