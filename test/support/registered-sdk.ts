/**
 * An SDK as an operator registers one, by `NODE_OPTIONS=--import=…`: each span that is over becomes a line of the file that
 * `TEST_SPANS_FILE` names, and so does each process in which this is loaded.
 */
import { appendFileSync } from "node:fs";
import { SpanStatusCode, context, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";

/** A line of the file. */
export type SpanLine =
  | { readonly loadedBy: string }
  | {
      readonly name: string;
      readonly kind: number;
      readonly traceId: string;
      readonly id: string;
      readonly parent?: string;
      readonly attributes: Readonly<Record<string, unknown>>;
      readonly failed: boolean;
      readonly ms: number;
      readonly pid: number;
    };

const file = process.env["TEST_SPANS_FILE"];
if (file !== undefined) register(file);

function register(path: string): void {
  const write = (line: SpanLine): void => appendFileSync(path, `${JSON.stringify(line)}\n`);
  const exporter: SpanExporter = {
    export(spans, done) {
      for (const span of spans) write(lineOf(span));
      done({ code: 0 });
    },
    shutdown: async () => undefined,
  };
  write({ loadedBy: process.argv[1] ?? "" });
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
}

function lineOf(span: ReadableSpan): SpanLine {
  const { name, kind, attributes, status, parentSpanContext, duration } = span;
  const { traceId, spanId: id } = span.spanContext();
  const parent = parentSpanContext === undefined ? {} : { parent: parentSpanContext.spanId };
  const ms = duration[0] * 1e3 + duration[1] / 1e6;
  return {
    name,
    kind,
    traceId,
    id,
    ...parent,
    attributes,
    failed: status.code === SpanStatusCode.ERROR,
    ms,
    pid: process.pid,
  };
}
