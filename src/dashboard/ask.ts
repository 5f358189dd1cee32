/** Asks the service. What it answers is shown as it is; where it refuses, it says what was wrong and what to do. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

/** Why there is no answer, in the service's own words. */
export class Refusal extends Error {
  readonly code: string;
  readonly hint: string;

  constructor(code: string, message: string, hint: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

type Method = "GET" | "POST" | "DELETE";

/**
 * Asks for what stands at an address beneath `/dashboard/api`.
 *
 * @throws {Refusal} the service refused, or could not be reached
 */
export async function ask<T>(path: string, options: AskOptions = {}): Promise<T> {
  const { method = "GET", body, signal } = options;
  let response: Response;
  try {
    response = await fetch(`api${path}`, {
      method,
      credentials: "same-origin",
      headers: {
        "x-requested-with": "XMLHttpRequest",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new Refusal(
      "unreachable",
      "The service does not answer.",
      "Look whether it runs; this page asks again by itself.",
    );
  }
  if (response.status === 401) {
    // Whoever was signed out reads how to come back.
    location.reload();
    return new Promise<T>(() => undefined);
  }
  const answer = (await response.json().catch(() => ({}))) as Record<string, string>;
  if (response.ok) return answer as T;
  throw new Refusal(
    answer["error"] ?? String(response.status),
    answer["error_description"] ?? "The service refused.",
    answer["hint"] ?? "Look at the service's log.",
  );
}

interface AskOptions {
  readonly method?: Method;
  readonly body?: object;
  readonly signal?: AbortSignal;
}

/** What was asked for, as far as it is there. What was there before stays until something newer is. */
export interface Answer<T> {
  readonly data: T | undefined;
  readonly error: Refusal | undefined;
  readonly isLoading: boolean;
  readonly again: () => void;
}

/**
 * Asks when the address changes, and again after a while.
 *
 * @param everyMs how often to ask again while the page is seen; 0: never
 */
export function useAsk<T>(path: string, everyMs = 0): Answer<T> {
  const [state, setState] = useState<Omit<Answer<T>, "again">>({ data: undefined, error: undefined, isLoading: true });
  const [round, setRound] = useState(0);
  const again = useCallback(() => setRound((before) => before + 1), []);
  const asked = useRef("");
  useEffect(() => {
    const aborting = new AbortController();
    if (asked.current !== path) setState((before) => ({ ...before, isLoading: true }));
    asked.current = path;
    ask<T>(path, { signal: aborting.signal }).then(
      (data) => setState({ data, error: undefined, isLoading: false }),
      (error: unknown) => {
        if (aborting.signal.aborted) return;
        const refusal = error instanceof Refusal ? error : new Refusal("failed", "This page failed.", "Reload it.");
        setState((before) => ({ ...before, error: refusal, isLoading: false }));
      },
    );
    return () => aborting.abort();
  }, [path, round]);
  useEffect(() => {
    if (everyMs === 0) return undefined;
    const timer = setInterval(() => document.visibilityState === "visible" && again(), everyMs);
    return () => clearInterval(timer);
  }, [everyMs, again]);
  return { ...state, again };
}
