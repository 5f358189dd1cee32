import { defined } from "../../core/defined.ts";

/** What came of asking a provider for its keys. Times are milliseconds since the epoch. */
export interface ProbeFacts {
  readonly url: string;
  readonly sentAt: number;
  readonly receivedAt: number;
  /** HTTP status of the answer, where one came. */
  readonly status?: number;
  /** The `Date` header of the answer. */
  readonly date?: string;
  /** How many keys there are; undefined where the answer is no key set. */
  readonly keys?: number;
  /** Why no answer came. */
  readonly failure?: string;
}

const timeoutMs = 10_000;

/** Asks for a key set (RFC 7517), or for the document of OpenID Connect Discovery that names one. */
export async function probe(url: string): Promise<ProbeFacts> {
  const sentAt = Date.now();
  try {
    const response = await fetch(url, { redirect: "error", signal: AbortSignal.timeout(timeoutMs) });
    const receivedAt = Date.now();
    const keys = keysIn(await response.text());
    const date = response.headers.get("date") ?? undefined;
    return defined({ url, sentAt, receivedAt, status: response.status, date, keys });
  } catch (error) {
    return { url, sentAt, receivedAt: Date.now(), failure: reasonOf(error) };
  }
}

function keysIn(text: string): number | undefined {
  try {
    const body = JSON.parse(text) as { keys?: unknown };
    return Array.isArray(body.keys) ? body.keys.length : undefined;
  } catch {
    return undefined;
  }
}

/** The system's own error code where there is one: the message of fetch is only "fetch failed". */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `no answer within ${timeoutMs / 1000} s`;
  const { cause } = error;
  if (cause instanceof Error) return "code" in cause ? String(cause.code) : cause.message;
  return error.message;
}
