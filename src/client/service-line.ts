/**
 * Requests to the service that outlive its bad moments: each is sent again where that does no harm, for a bounded time. What is
 * asked, and what an answer means, do not belong here.
 */
import { OnbehalfError, isOnbehalfError } from "../core/errors.ts";
import type { Secret } from "../core/secret.ts";
import { waitFor } from "../core/single-flight.ts";
import type { Stopwatch } from "./elapsed.ts";
import { exchange } from "./exchange.ts";
import type { Line, Outcome, ServiceRequest } from "./exchange.ts";
import type { KeySource } from "./key-source.ts";
import { Misread } from "./members.ts";
import type { Answered } from "./members.ts";
import { delayMs } from "./retry.ts";
import { ServiceError } from "./service-error.ts";

/** How a request may be repeated. */
export interface Sending {
  /** How long one try may take, milliseconds. */
  readonly timeoutMs: number;
  /** For how long it is sent again, milliseconds. 0: it is sent once. */
  readonly patienceMs: number;
  /** Whether it may be sent again only where nothing can have arrived: done twice, it would do harm. Absent: always. */
  readonly isOnce?: boolean;
  /** Called before each try. */
  readonly onTry?: () => void;
  readonly signal?: AbortSignal | undefined;
}

/** What a line is made of. */
export interface LineParts {
  readonly line: Line;
  readonly key: KeySource;
  readonly stopwatch: Stopwatch;
  readonly random: () => number;
  /** Resolves after that many milliseconds, or where the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Asks the service. */
export class ServiceLine {
  readonly #parts: LineParts;
  readonly #closing = new AbortController();
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(parts: LineParts) {
    this.#parts = parts;
  }

  /**
   * Sends a request, and again while nothing of the service comes back.
   *
   * @param read makes of an answer what was asked for; where it throws a {@link Misread}, the answer is not the service's
   * @throws {OnbehalfError} what the service answers; `service_unavailable` where it does not; `configuration_invalid`: the key
   *   cannot be read
   * @throws the signal's reason, where it aborts first
   */
  async ask<T>(request: ServiceRequest, read: (answer: Answered) => T, sending: Sending): Promise<T> {
    this.assertOpen();
    sending.signal?.throwIfAborted();
    const work = this.#persist(request, read, sending);
    this.#underWay.add(work);
    try {
      return await waitFor(work, sending.signal);
    } finally {
      // What nobody waits for any more is still under way.
      void work.catch(() => undefined).finally(() => this.#underWay.delete(work));
    }
  }

  /** Sends a request once more with another key, where there is one. */
  get key(): KeySource {
    return this.#parts.key;
  }

  assertOpen(): void {
    if (!this.#closing.signal.aborted) return;
    throw unavailable("the remote vault was closed", "open another one with openRemoteVault", 0);
  }

  /** Gives up what only reads and what is only waited for, and resolves when everything else has ended. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#underWay);
  }

  async #persist<T>(request: ServiceRequest, read: (answer: Answered) => T, sending: Sending): Promise<T> {
    const { key: keys, stopwatch, random } = this.#parts;
    const begun = stopwatch.now();
    const requestId = crypto.randomUUID();
    let key = await keys.current();
    let isNewKey = false;
    for (let failures = 1; ; failures += 1) {
      sending.onTry?.();
      const sent = stopwatch.now();
      const outcome = await this.#try(request, key, requestId, sending.timeoutMs);
      const result = readOutcome(outcome, read, sent);
      if ("value" in result) return result.value;
      const { error, retryAfterMs } = result;
      const isPassing = sending.isOnce === true ? result.isUnsent : result.isPassing;
      if (isOnbehalfError(error, "unauthorized") && !isNewKey) {
        const next = await keys.after(key);
        if (next !== undefined) {
          [key, isNewKey] = [next, true];
          continue;
        }
      }
      const waitMs = delayMs(failures, retryAfterMs, random());
      const isOver = stopwatch.since(begun) + waitMs > sending.patienceMs || isAborted(sending.signal);
      if (!isPassing || isOver) throw withId(error, requestId);
      await this.#parts.sleep(waitMs, this.#closing.signal);
      if (this.#closing.signal.aborted || isAborted(sending.signal)) throw withId(error, requestId);
    }
  }

  #try(request: ServiceRequest, key: Secret, requestId: string, timeoutMs: number): Promise<Outcome> {
    // What only reads is of no use to anybody once the vault is closed. What else was begun is waited for.
    const end = request.method === "GET" ? this.#closing.signal : undefined;
    return exchange(this.#parts.line, request, { key: key.expose(), requestId, timeoutMs, end });
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

type Result<T> =
  | { readonly value: T }
  | {
      readonly error: OnbehalfError;
      readonly isPassing: boolean;
      readonly isUnsent: boolean;
      readonly retryAfterMs: number;
    };

/** What came of one try: what was asked for, or why not, and whether it helps to ask again. */
function readOutcome<T>(outcome: Outcome, read: (answer: Answered) => T, sent: Answered["sent"]): Result<T> {
  if (outcome.kind === "error") {
    const { error } = outcome;
    // While it starts or its database is away, the service says so. That the provider is away may last for long.
    const isPassing = isOnbehalfError(error, "store_unavailable") || isOnbehalfError(error, "keeper_unavailable");
    const retryAfterMs = isPassing ? error.details.retryAfterMs : 0;
    return { error, isPassing, isUnsent: false, retryAfterMs };
  }
  if (outcome.kind === "answer") {
    try {
      return { value: read({ body: outcome.body, headers: outcome.headers, sent }) };
    } catch (error) {
      if (!(error instanceof Misread)) throw error;
      return { error: didNotAnswer(error.message, 0), isPassing: true, isUnsent: false, retryAfterMs: 0 };
    }
  }
  const { what, retryAfterMs, isLasting, isUnsent, cause } = outcome;
  return { error: didNotAnswer(what, retryAfterMs, cause), isPassing: !isLasting, isUnsent, retryAfterMs };
}

/** How long a program is told to wait that nobody told anything else, milliseconds. */
const usualWaitMs = 1_000;

export function didNotAnswer(
  what: string,
  retryAfterMs: number,
  cause?: unknown,
): OnbehalfError<"service_unavailable"> {
  return unavailable(
    `the service did not answer: ${what}`,
    "try again later; if this lasts, check the url, what stands before the service, and the service itself",
    retryAfterMs || usualWaitMs,
    cause,
  );
}

function unavailable(
  message: string,
  hint: string,
  retryAfterMs: number,
  cause?: unknown,
): OnbehalfError<"service_unavailable"> {
  return new OnbehalfError("service_unavailable", message, { hint, details: { retryAfterMs }, cause });
}

/** An error with the id of its request: by it, the operator finds the request in the audit log. */
function withId(error: OnbehalfError, requestId: string): OnbehalfError {
  if (error instanceof ServiceError) return error;
  const { code, message, hint, details, cause, status } = error;
  return new ServiceError(code, message, { hint, details, status, requestId, cause });
}
