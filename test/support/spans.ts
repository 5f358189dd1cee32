/** A real SDK of OpenTelemetry that is registered nowhere: tests that share a process must not see each other's spans. */
import type { TestContext } from "node:test";
import * as api from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";
import type { Telemetry } from "../../src/index.ts";

export type { ReadableSpan };

/** What a vault is given, and what it has made. */
export interface TestTelemetry {
  readonly telemetry: Telemetry;
  /** Those that are over, in the order in which they ended. */
  readonly spans: () => ReadableSpan[];
  /** Does work within a span of the app's own. */
  readonly within: <T>(name: string, work: () => Promise<T>) => Promise<T>;
}

export function testTelemetry(t: TestContext, exporter: SpanExporter = new InMemorySpanExporter()): TestTelemetry {
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const context = new AsyncLocalStorageContextManager();
  context.enable();
  t.after(async () => {
    context.disable();
    await provider.shutdown();
  });
  const { getSpan, setSpan } = api.trace;
  const trace = { getTracer: provider.getTracer.bind(provider), getSpan, setSpan };
  const propagator = new W3CTraceContextPropagator();
  const telemetry: Telemetry = {
    trace,
    context,
    propagation: { extract: propagator.extract.bind(propagator) },
  };
  return {
    telemetry,
    spans: () => (exporter instanceof InMemorySpanExporter ? exporter.getFinishedSpans() : []),
    within: async (name, work) => {
      const span = provider.getTracer("the app").startSpan(name);
      return context.with(setSpan(context.active(), span), () => work().finally(() => span.end()));
    },
  };
}

/** Spans as lines, those that are part of another one two places further in, beneath it. */
export function treeOf(spans: readonly ReadableSpan[]): string[] {
  const ids = new Set(spans.map((span) => span.spanContext().spanId));
  const under = (parent: string | undefined, depth: number): string[] =>
    spans
      .filter(({ parentSpanContext }) => {
        const id = parentSpanContext?.spanId;
        return parent === undefined ? id === undefined || !ids.has(id) : id === parent;
      })
      .sort((one, other) => timeOf(one) - timeOf(other))
      .flatMap((span) => [`${"  ".repeat(depth)}${span.name}`].concat(under(span.spanContext().spanId, depth + 1)));
  return under(undefined, 0);
}

function timeOf({ startTime: [seconds, nanoseconds] }: ReadableSpan): number {
  return seconds * 1e3 + nanoseconds / 1e6;
}
