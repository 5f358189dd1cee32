/**
 * Makes a span of each request to the service that goes through its routes. What is answered before, from memory or the store
 * alone, has none: it takes microseconds.
 */
import type { Spans } from "../../core/spans/spans.ts";
import { requestId } from "../../vault/http/request-id.ts";

/** What of a request is known once it is answered. */
export interface AnsweredRequest {
  /** The route's path, with names in braces in the place of what a caller chooses. */
  readonly route: string;
  /** The code of the error that became the answer, where there was one. */
  readonly code?: string | undefined;
}

/**
 * Answers a request as one span, which goes on from the caller's own.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span
 */
export async function inRequestSpan(
  spans: Spans,
  request: Request,
  answer: () => Promise<Response>,
  told: () => AnsweredRequest,
): Promise<Response> {
  const { method, url, headers } = request;
  const isKnown = /^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH)$/.test(method);
  const attributes = {
    "http.request.method": isKnown ? method : "_OTHER",
    "url.scheme": url.startsWith("https:") ? "https" : "http",
    "onbehalf.request.id": requestId(request),
  } as const;
  const name = isKnown ? method : "HTTP";
  return spans.run({ name, kind: "server", attributes, caller: headers }, async (span) => {
    const response = await answer();
    if (!span.isRecorded) return response;
    const { route, code } = told();
    const { status } = response;
    span.rename(`${name} ${route}`);
    span.set({ "http.route": route, "http.response.status_code": status });
    if (status < 400) return response;
    const type = code ?? (await codeIn(response)) ?? String(status);
    // A caller's mistake is no failure of the service.
    if (status < 500) span.set({ "error.type": type });
    else span.fail(type);
    return response;
  });
}

/** The code in an error that the service has made: the body of such an answer is short, and complete. */
async function codeIn(response: Response): Promise<string | undefined> {
  const { headers } = response;
  if (!/^application\/(?:problem\+)?json\b/.test(headers.get("content-type") ?? "")) return undefined;
  const body = (await response
    .clone()
    .json()
    .catch(() => undefined)) as { readonly code?: unknown; readonly error?: unknown } | undefined;
  const code = body?.code ?? body?.error;
  return typeof code === "string" && /^[a-z_]{3,40}$/.test(code) ? code : undefined;
}
