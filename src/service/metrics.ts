import { Counter, Registry, collectDefaultMetrics } from "@prometheus-io/client";
import type { OnEvent } from "../index.ts";

/** What Prometheus reads at `/metrics`. */
export interface Metrics {
  /** Counts a vault's events; give it to `openVault` beside the log. */
  readonly onEvent: OnEvent;
  countRequest(route: string, status: number): void;
  text(): Promise<{ readonly contentType: string; readonly body: string }>;
}

export function serviceMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const events = new Counter({
    name: "onbehalf_events_total",
    help: "What happened to grants, by type of event.",
    labelNames: ["type", "provider"],
    registers: [registry],
  });
  const requests = new Counter({
    name: "onbehalf_http_requests_total",
    help: "Requests answered, by route and status.",
    labelNames: ["route", "status"],
    registers: [registry],
  });
  return {
    onEvent: (event) => events.inc({ type: event.type, provider: "provider" in event ? event.provider : "" }),
    countRequest: (route, status) => requests.inc({ route, status: String(status) }),
    text: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}
