/**
 * Spans: what work was done, for how long, and as part of what. Whoever watches a vault makes them; the work itself only says
 * what it is. Types alone: where nobody watches, there is nothing to call.
 */

/**
 * Everything that may stand in a span. The list is closed: no token, code, address of a person, external id or query has a
 * name here.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/http/http-spans/
 */
export type SpanAttribute =
  | "error.type"
  | "http.request.method"
  | "http.response.status_code"
  | "http.route"
  | "onbehalf.attempt.id"
  | "onbehalf.grant.id"
  | "onbehalf.keeper.verb"
  | "onbehalf.outcome"
  | "onbehalf.provider"
  | "onbehalf.request.id"
  | "onbehalf.shared"
  | "server.address"
  | "server.port"
  | "url.full"
  | "url.scheme";

export type SpanAttributes = Readonly<Partial<Record<SpanAttribute, string | number | boolean>>>;

/** What is known of work when it begins. */
export interface SpanBegin {
  readonly name: string;
  /** `server`: somebody asked us. `client`: we ask another server. `internal`: work of ours. */
  readonly kind: "server" | "client" | "internal";
  readonly attributes: SpanAttributes;
  /** The headers of the request that asks, which may name the caller's own span. */
  readonly caller?: CallerHeaders;
}

export interface CallerHeaders {
  get(name: string): string | null;
  keys(): Iterable<string>;
}

/** Work that is under way. */
export interface OpenSpan {
  /** False: nobody keeps it, so nothing needs to be found out for it. */
  readonly isRecorded: boolean;
  set(attributes: SpanAttributes): void;
  /** It failed. @param type a code of ours, a word of a provider's that is safe to show, or a status */
  fail(type: string): void;
  /** Names it anew, where that is known only later. */
  rename(name: string): void;
  /** Adds what another process did as part of this work. @param facts each after the one that it is part of */
  adopt(facts: readonly SpanFacts[]): void;
}

/** A span that is over, as one process tells another of it. */
export interface SpanFacts extends Omit<SpanBegin, "caller"> {
  /** Among those that are told together. */
  readonly id: number;
  /** Of which it is part; absent: of what the other process asked for. */
  readonly parent?: number;
  /** Milliseconds since the epoch, with fractions. */
  readonly startMs: number;
  readonly endMs: number;
  readonly failure?: string;
}

/** Who makes the spans. Nothing here throws but what the work does. */
export interface Spans {
  /** Does work as one span. What the work does meanwhile is part of it. */
  run<T>(begin: SpanBegin, work: (span: OpenSpan) => Promise<T>): Promise<T>;
  /** Adds what another process did of its own accord. */
  adopt(facts: readonly SpanFacts[]): void;
}
