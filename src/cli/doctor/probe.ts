import { defined } from "../../core/defined.ts";
import { outboundFetch } from "../../outbound/outbound-fetch.ts";
import { readBody } from "../../vault/http/request-body.ts";

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

/** The largest document that is read, bytes: what answers may be anything. */
const documentLimitBytes = 256 * 1024;

/**
 * Asks for a key set (RFC 7517), or for the document of OpenID Connect Discovery that names one, by the way that the
 * service's own requests go.
 */
export async function probe(url: string): Promise<ProbeFacts> {
  const sentAt = Date.now();
  try {
    const response = await outboundFetch()(url, { redirect: "error", signal: AbortSignal.timeout(timeoutMs) });
    const receivedAt = Date.now();
    const keys = keysIn(await readBody(response, documentLimitBytes).catch(() => ""));
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

/** The code of an error, the system's own or ours, where it has one. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `no answer within ${timeoutMs / 1000} s`;
  return "code" in error && typeof error.code === "string" ? error.code : error.message;
}
