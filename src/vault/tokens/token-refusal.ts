import { retryAfterSeconds } from "../../core/problem.ts";
import { noteSameToken } from "./hidden-token.ts";
import type { Provider } from "../../providers/provider.ts";

/** How much of a body is searched for a word, bytes. */
const searchedBytes = 64 * 1024;

/** How long they are waited for, milliseconds: the body may come slowly, or never end. */
const searchWaitMs = 1_000;

/**
 * Whether an answer says that the token is not good: any 401, and what the provider's record names besides.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6750#section-3.1
 */
export async function refusesToken(
  response: Response,
  { tokenRefusals = [] }: Pick<Provider, "tokenRefusals">,
): Promise<boolean> {
  const { status, headers } = response;
  if (status === 401) return true;
  const named = tokenRefusals.filter((each) => each.status === status);
  if (named.length === 0) return false;
  const words = named.flatMap(({ word }) => word ?? []);
  if (words.length < named.length) return true;
  // Of what the person asked for, only a document can say so; a stream may never end.
  const isSearched = status >= 400 || /\bjson\b/i.test(headers.get("content-type") ?? "");
  const body = isSearched ? await beginningOf(response.clone()) : "";
  const said = `${headers.get("www-authenticate") ?? ""}\n${body}`;
  return words.some((word) => said.split(/[^\w.-]+/).includes(word));
}

/**
 * An answer of an API that refuses every token, with a header that says that none is refreshed for it now.
 *
 * @param waitMs for how long, milliseconds
 */
export function withoutRefresh(response: Response, waitMs: number): Response {
  return saying(response, `skipped; retry-after=${retryAfterSeconds(waitMs)}`);
}

/** An API's answer, with a header that says what became of the token that it refuses. */
export function saying(response: Response, what: string): Response {
  const { body, status, statusText, headers: all } = response;
  const headers = new Headers(all);
  headers.set("onbehalf-refresh", what);
  return noteSameToken(new Response(body, { status, statusText, headers }), response);
}

/** The beginning of a body, as text. What comes after it is not read here; a body that breaks off has a beginning, too. */
async function beginningOf({ body }: Response): Promise<string> {
  const reader = body?.getReader();
  const chunks: Uint8Array[] = [];
  // Whoever reads the answer itself meets the same errors, and is told.
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), searchWaitMs);
  const next = async (): Promise<Uint8Array | undefined> =>
    (await Promise.race([reader?.read().catch(() => undefined), late.promise]))?.value;
  let length = 0;
  for (let chunk = await next(); chunk !== undefined; chunk = length < searchedBytes ? await next() : undefined) {
    chunks.push(chunk);
    length += chunk.length;
  }
  clearTimeout(timer);
  // Not awaited: the copy of a body is given up only when the body itself is read or given up, too.
  reader?.cancel().catch(() => undefined);
  return Buffer.concat(chunks).subarray(0, searchedBytes).toString();
}
