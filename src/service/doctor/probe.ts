import { systemClock } from "../../core/clock.ts";
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
export function probe(url: string): Promise<ProbeFacts> {
  return ask(url);
}

/**
 * Asks a token endpoint as a request would that names no client and brings no token: its refusal shows that it is there, and
 * nothing is spent. Many know no other method than POST.
 */
export function probeTokenEndpoint(url: string): Promise<ProbeFacts> {
  return ask(url, { method: "POST", body: new URLSearchParams({ grant_type: "refresh_token" }) });
}

/**
 * The token endpoint that an issuer's document names, where it has no ID tokens: the document of RFC 8414, or else the one of
 * OpenID Connect.
 *
 * @returns what came of asking for the last document that was asked for, and the endpoint where it names one
 * @see https://www.rfc-editor.org/rfc/rfc8414#section-3.1
 */
export async function probeIssuer(issuer: string): Promise<ProbeFacts & { readonly tokenEndpoint?: string }> {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/+$/, "");
  const found = await ask(`${origin}/.well-known/oauth-authorization-server${path}`);
  if (found.tokenEndpoint !== undefined || found.failure !== undefined) return found;
  return ask(`${origin}${path}/.well-known/openid-configuration`);
}

async function ask(url: string, request: RequestInit = {}): Promise<ProbeFacts & { readonly tokenEndpoint?: string }> {
  const sentAt = systemClock.now();
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await outboundFetch()(url, { ...request, redirect: "error", signal });
    const receivedAt = systemClock.now();
    const { keys, token_endpoint: tokenEndpoint } = membersOf(
      await readBody(response, documentLimitBytes).catch(() => ""),
    );
    return defined({
      url,
      sentAt,
      receivedAt,
      status: response.status,
      date: response.headers.get("date") ?? undefined,
      keys: Array.isArray(keys) ? keys.length : undefined,
      tokenEndpoint: typeof tokenEndpoint === "string" && URL.canParse(tokenEndpoint) ? tokenEndpoint : undefined,
    });
  } catch (error) {
    return { url, sentAt, receivedAt: systemClock.now(), failure: reasonOf(error) };
  }
}

function membersOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null ? (body as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}

/** The code of an error, the system's own or ours, where it has one. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `no answer within ${timeoutMs / 1000} s`;
  return "code" in error && typeof error.code === "string" ? error.code : error.message;
}
