/**
 * Makes a span of each request to a provider or an API: who was asked, how they answered, and never what was sent. It looks at
 * requests from outside, so that a vault that nobody watches sends them as if this file were not there.
 */
import { defined } from "../../core/defined.ts";
import type { OpenSpan, SpanAttributes, SpanBegin, Spans } from "../../core/spans/spans.ts";
import { parseObject } from "../../oauth/bounded-fetch.ts";
import type { FormSender } from "../../oauth/bounded-fetch.ts";
import { refusalWord } from "../../oauth/refusal-word.ts";
import type { Senders } from "./sender.ts";

/** How much of a refusal is read for the provider's word, bytes. */
const refusalLimitBytes = 16 * 1024;

/** Who is asked. */
interface Asked {
  /** By its short name; absent where a request may go to anybody, such as an API. */
  readonly provider?: string;
}

/**
 * The same senders, watched.
 *
 * @param asked with a provider: its own endpoints, whose address is said without the query. Without: the address may name a
 *   person, and only its host is said
 */
export function spannedSenders(spans: Spans, { fetch, post }: Senders, asked: Asked): Senders {
  return {
    fetch: spannedFetch(spans, fetch, asked),
    ...defined({ post: post === undefined ? undefined : spannedPost(spans, post, asked) }),
  };
}

function spannedFetch(spans: Spans, fetch: Senders["fetch"], asked: Asked): Senders["fetch"] {
  return (input, init) => {
    const { url, method } = input instanceof Request ? input : { url: String(input), method: "GET" };
    // It says itself what is wrong with it.
    if (!URL.canParse(url)) return fetch(input, init);
    const answered = Promise.withResolvers<Response>();
    // Whoever asked has the answer's head before its span is over.
    const watched = spans.run(beginOf(init?.method ?? method, url, asked), async (span) => {
      let response: Response;
      try {
        response = await fetch(input, init);
      } catch (error) {
        span.fail(failureType(error));
        answered.reject(error);
        return;
      }
      const { status, headers } = response;
      span.set({ "http.response.status_code": status });
      // Nothing of an API's answer is read: it is a person's.
      const isRefusal = asked.provider !== undefined && status >= 400 && isJson(headers.get("content-type"));
      const copy = isRefusal && span.isRecorded ? response.clone() : undefined;
      answered.resolve(response);
      if (status < 400) return;
      span.fail(wordIn(copy === undefined ? "" : await beginningOf(copy), status) ?? String(status));
    });
    watched.catch(answered.reject);
    return answered.promise;
  };
}

function spannedPost(spans: Spans, post: FormSender, asked: Asked): FormSender {
  return (url, headers, body, answer) => {
    let abort: ReturnType<FormSender>["abort"] = () => undefined;
    const ended = spans.run(beginOf("POST", url, asked), (span) => {
      const watched = new WatchedAnswer(answer);
      const sending = post(url, headers, body, watched);
      ({ abort } = sending);
      return watched.told(span, sending.ended);
    });
    return { ended, abort: (error) => abort(error) };
  };
}

/** An answer that goes on to whoever asked for it, and of which the status is noted, and the beginning of a refusal. */
class WatchedAnswer {
  readonly #to: Parameters<FormSender>[3];
  #status = 0;
  readonly #beginning: Uint8Array[] = [];
  #read = 0;

  constructor(to: Parameters<FormSender>[3]) {
    this.#to = to;
  }

  head(...[status, headers]: Parameters<Parameters<FormSender>[3]["head"]>): void {
    this.#status = status;
    this.#to.head(status, headers);
  }

  chunk(bytes: Uint8Array): boolean {
    if (this.#status >= 400 && this.#read < refusalLimitBytes) this.#beginning.push(bytes);
    this.#read += bytes.length;
    return this.#to.chunk(bytes);
  }

  async told(span: OpenSpan, ended: Promise<void>): Promise<void> {
    try {
      await ended;
    } catch (error) {
      span.fail(failureType(error));
      throw error;
    } finally {
      if (this.#status > 0) span.set({ "http.response.status_code": this.#status });
      if (this.#status >= 400) {
        const text = Buffer.concat(this.#beginning).toString("utf8");
        span.fail(wordIn(text, this.#status) ?? String(this.#status));
      }
    }
  }
}

function beginOf(method: string, address: string, { provider }: Asked): SpanBegin {
  const { protocol, hostname, port, origin, pathname } = new URL(address);
  const url: SpanAttributes = {
    "server.address": hostname,
    "server.port": port === "" ? (protocol === "https:" ? 443 : 80) : Number(port),
    ...(provider === undefined ? {} : { "url.full": `${origin}${pathname}`, "onbehalf.provider": provider }),
  };
  const known = methodName(method);
  const name = known === "_OTHER" ? "HTTP" : known;
  return { name, kind: "client", attributes: { "http.request.method": known, ...url } };
}

/**
 * The method, of those that HTTP has: another may be any text.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/attributes-registry/http/
 */
function methodName(method: string): string {
  const upper = method.toUpperCase();
  return /^(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|QUERY)$/.test(upper) ? upper : "_OTHER";
}

/** The provider's word for a refusal, where it is safe to show. */
function wordIn(text: string, status: number): string | undefined {
  const body = parseObject(text);
  return body === undefined ? undefined : refusalWord(body, status)?.error;
}

/** The system's code of an error, and nothing that a `fetch` of somebody's may say. */
function failureType(error: unknown): string {
  for (let each = error, depth = 0; each instanceof Error && depth < 5; each = each.cause, depth++) {
    if ("code" in each && typeof each.code === "string" && /^[A-Z][A-Z_]{2,39}$/.test(each.code)) return each.code;
    if (each.name === "AbortError" || each.name === "TimeoutError") return each.name;
  }
  return "_OTHER";
}

function isJson(type: string | null): boolean {
  return /^application\/(?:[\w.+-]+\+)?json\b/i.test(type ?? "");
}

/** The beginning of a body, which somebody else reads to its end. Empty where it cannot be read. */
async function beginningOf({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let read = 0;
  try {
    for await (const chunk of body ?? []) {
      parts.push(chunk);
      if ((read += chunk.length) >= refusalLimitBytes) break;
    }
  } catch {
    return "";
  }
  return Buffer.concat(parts).toString("utf8");
}
