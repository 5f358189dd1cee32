/** How we talk to a provider: the fetch seam, and the bounds that keep a bad answer from hurting us. */
export interface Wire {
  readonly fetch: typeof fetch;
  /** For one exchange in all, milliseconds. */
  readonly timeoutMs: number;
  /** The largest body that is read. */
  readonly bodyLimitBytes: number;
}

export const wireDefaults: Omit<Wire, "fetch"> = { timeoutMs: 30_000, bodyLimitBytes: 64 * 1024 };

/** What came back, read to its end within the bounds; or why nothing usable did. */
export type Received =
  | { readonly kind: "body"; readonly status: number; readonly headers: Headers; readonly text: string }
  | { readonly kind: "too-large"; readonly status: number; readonly headers: Headers }
  | { readonly kind: "silence"; readonly sent: boolean; readonly why: string };

/**
 * Sends one request and reads its whole body, both within `wire.timeoutMs`: a body that drips is as bad as none.
 *
 * @param send gets the signal that ends it all
 */
export async function receive(wire: Wire, send: (signal: AbortSignal) => Promise<Response>): Promise<Received> {
  const signal = AbortSignal.timeout(wire.timeoutMs);
  try {
    const response = await send(signal);
    const text = await readText(response, wire.bodyLimitBytes);
    const { status, headers } = response;
    return text === undefined ? { kind: "too-large", status, headers } : { kind: "body", status, headers, text };
  } catch (error) {
    if (signal.aborted) return { kind: "silence", sent: true, why: "timeout" };
    const code = causeCode(error);
    return { kind: "silence", sent: !neverArrived.has(code), why: code === "" ? "network_error" : code.toLowerCase() };
  }
}

/** Failures from before a single byte of the request could be read by the other side. */
const neverArrived: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
  "CERT_HAS_EXPIRED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "ERR_TLS_CERT_ALTNAME_INVALID",
]);

/** The text of a body, or undefined as soon as it is larger than `limitBytes`; the rest is not read. */
export async function readText(
  { body }: { readonly body: ReadableStream<Uint8Array> | null },
  limitBytes: number,
): Promise<string | undefined> {
  if (body === null) return "";
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > limitBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/**
 * RFC 9110 section 10.2.3: seconds, or a date. Capped at an hour, so that a wrong date does not silence us for a year.
 *
 * @returns milliseconds
 */
export function retryAfterMs(headers: Headers, now: number): number | undefined {
  const value = headers.get("retry-after")?.trim();
  if (value === undefined || value === "") return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), 3_600_000) : undefined;
}

/** A JSON object, or undefined for everything else that a proxy or an outage may send. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function causeCode(error: unknown): string {
  for (let each = error, depth = 0; each instanceof Error && depth < 5; each = each.cause, depth++) {
    if ("code" in each && typeof each.code === "string") return each.code;
    if (each instanceof AggregateError && each.errors.length > 0) {
      const [first] = each.errors as unknown[];
      const code = causeCode(first);
      if (code !== "") return code;
    }
  }
  return "";
}
