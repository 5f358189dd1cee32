/**
 * Spans by way of OpenTelemetry's API, which is given and never imported: a program without it loads nothing of it. Pure:
 * clock and identifiers are the SDK's that the program has registered.
 */
import { isOnbehalfError } from "../errors.ts";
import type { CallerHeaders, OpenSpan, SpanAttributes, SpanBegin, SpanFacts, Spans } from "./spans.ts";
import { unwatched } from "./unwatched.ts";

/**
 * The part of `@opentelemetry/api` that is used: the module itself fits.
 *
 * @see https://opentelemetry.io/docs/specs/otel/trace/api/
 */
export interface Telemetry {
  readonly trace: {
    getTracer(name: string, version?: string): TelemetryTracer;
    getSpan(context: unknown): TelemetrySpan | undefined;
    setSpan(context: unknown, span: TelemetrySpan): unknown;
  };
  readonly context: {
    active(): unknown;
    with(context: unknown, work: () => unknown): unknown;
  };
  readonly propagation: {
    extract(context: unknown, carrier: unknown, getter: unknown): unknown;
  };
}

interface TelemetryTracer {
  startSpan(
    name: string,
    options: { readonly kind: number; readonly attributes: SpanAttributes; readonly startTime?: number },
    context: unknown,
  ): TelemetrySpan;
}

interface TelemetrySpan {
  setAttributes(attributes: SpanAttributes): unknown;
  updateName(name: string): unknown;
  setStatus(status: { readonly code: number }): unknown;
  isRecording(): boolean;
  end(endTime?: number): void;
  spanContext(): { readonly traceId: string };
}

/** `SpanKind` of the API: its numbers are part of the specification. */
const kinds = { internal: 0, server: 1, client: 2 } as const;
/** `SpanStatusCode.ERROR`. */
const failed = { code: 2 } as const;

/** @param program its name, a slash and its version */
export function openTelemetrySpans(api: Telemetry, program: string): Spans {
  const [name = "", version] = program.split("/");
  let tracer: TelemetryTracer | undefined;
  // Asked for with the first span: an SDK that fails here must not keep a vault from opening.
  const startSpan: TelemetryTracer["startSpan"] = (...span) =>
    (tracer ??= api.trace.getTracer(name, version)).startSpan(...span);

  /** The span that a request is part of: one that is open already, or its sender's. */
  function contextOf(caller: CallerHeaders | undefined): unknown {
    const active = api.context.active();
    const open = api.trace.getSpan(active);
    if (caller === undefined || (open !== undefined && isValid(open))) return active;
    return api.propagation.extract(active, caller, headerGetter);
  }

  function adoptInto(context: unknown, facts: readonly SpanFacts[]): void {
    const contexts = new Map<number, unknown>();
    const ends: (() => void)[] = [];
    for (const { id, parent, name, kind, attributes, startMs, endMs, failure } of facts) {
      const around = (parent === undefined ? undefined : contexts.get(parent)) ?? context;
      const span = startSpan(name, { kind: kinds[kind], attributes, startTime: startMs }, around);
      contexts.set(id, api.trace.setSpan(around, span));
      if (failure !== undefined) markFailed(span, failure);
      ends.unshift(() => span.end(endMs));
    }
    for (const end of ends) end();
  }

  function begun({ name, kind, attributes, caller }: SpanBegin): { span: TelemetrySpan; context: unknown } {
    const around = contextOf(caller);
    const span = startSpan(name, { kind: kinds[kind], attributes }, around);
    return { span, context: api.trace.setSpan(around, span) };
  }

  return {
    async run(begin, work) {
      const started = quietly(() => begun(begin));
      if (started === undefined) return work(unwatched);
      const { span, context } = started;
      const open: OpenSpan = {
        isRecorded: quietly(() => span.isRecording()) ?? false,
        set: (attributes) => void quietly(() => span.setAttributes(attributes)),
        fail: (type) => quietly(() => markFailed(span, type)),
        rename: (name) => void quietly(() => span.updateName(name)),
        adopt: (facts) => quietly(() => adoptInto(context, facts)),
      };
      let working: ReturnType<typeof work> | undefined;
      const start = async (): ReturnType<typeof work> => work(open);
      quietly(() => api.context.with(context, () => (working = start())));
      try {
        return await (working ?? start());
      } catch (error) {
        open.fail(isOnbehalfError(error) ? error.code : "_OTHER");
        throw error;
      } finally {
        quietly(() => span.end());
      }
    },
    adopt: (facts) => quietly(() => adoptInto(api.context.active(), facts)),
  };
}

const headerGetter = {
  get: (headers: CallerHeaders, name: string): string | undefined => headers.get(name) ?? undefined,
  keys: (headers: CallerHeaders): string[] => [...headers.keys()],
};

function isValid(span: TelemetrySpan): boolean {
  return !/^0*$/.test(span.spanContext().traceId);
}

function markFailed(span: TelemetrySpan, type: string): void {
  span.setAttributes({ "error.type": type });
  span.setStatus(failed);
}

/**
 * Does what belongs to the watching alone. An exporter that fails must not make an exchange fail that has worked: its answer
 * would be lost.
 */
function quietly<T>(watch: () => T): T | undefined {
  try {
    return watch();
  } catch {
    return undefined;
  }
}
