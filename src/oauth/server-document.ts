import { OnbehalfError } from "../core/errors.ts";
import { boundedRequest, parseObject } from "./bounded-fetch.ts";
import type { BoundedFetch, HttpResult } from "./bounded-fetch.ts";
import { isConfidential } from "../core/confidential-url.ts";

/** A JSON document of somebody else's server. `absent`: it is not there, and `why` says what was there in its place. */
export type ServerDocument =
  | { readonly kind: "document"; readonly url: string; readonly members: Readonly<Record<string, unknown>> }
  | { readonly kind: "absent"; readonly url: string; readonly why: string };

/**
 * Reads a JSON document that may be at one of several addresses. No redirect is followed: whoever answers would choose
 * what we ask next. A page, a redirect and any status of the kind 4xx mean that it is not there.
 *
 * @param urls tried in turn, until `accept` takes what one of them says
 * @param accept whether a document is the one that was looked for; any is by default
 * @returns the document, or each address with what was found there, and whether that was nothing at all (404)
 * @throws {OnbehalfError} `provider_unavailable`: a server does not answer just now
 */
export async function firstDocument(
  urls: readonly string[],
  issuer: string,
  http: BoundedFetch,
  accept: (members: Readonly<Record<string, unknown>>) => boolean = () => true,
): Promise<
  | (ServerDocument & { readonly kind: "document" })
  | { readonly kind: "absent"; readonly tried: string; readonly isNowhere: boolean }
> {
  const tried: string[] = [];
  let isNowhere = true;
  for (const url of urls) {
    const read = await readDocument(url, issuer, http);
    if (read.kind === "document" && accept(read.members)) return read;
    if (read.kind === "document" || read.why !== "http_404") isNowhere = false;
    tried.push(`${url} (${read.kind === "document" ? "another's document" : read.why})`);
  }
  return { kind: "absent", tried: tried.join(", "), isNowhere };
}

async function readDocument(url: string, issuer: string, http: BoundedFetch): Promise<ServerDocument> {
  if (!isConfidential(url)) return { kind: "absent", url, why: "not https" };
  const result = await boundedRequest(http, (signal) =>
    http.fetch(url, { signal, redirect: "manual", headers: { accept: "application/json" } }),
  );
  if (result.kind === "silence") throw unavailable(url, issuer, result.error);
  if (result.kind === "too-large") return { kind: "absent", url, why: `larger than ${http.bodyLimitBytes / 1024} KiB` };
  const { status } = result;
  if (status >= 500 || status === 429 || status === 408) throw unavailable(url, issuer, `http_${status}`);
  if (status >= 300 && status < 400) return { kind: "absent", url, why: "a redirect, which is not followed" };
  if (status !== 200) return { kind: "absent", url, why: `http_${status}` };
  const members = parseObject(result.text);
  return members === undefined ? { kind: "absent", url, why: "no JSON object" } : { kind: "document", url, members };
}

/** A server whose documents we need does not answer just now. */
export function unavailable(url: string, issuer: string, why: string): OnbehalfError<"provider_unavailable"> {
  return new OnbehalfError("provider_unavailable", `${url} cannot be read (${why})`, {
    hint:
      why === "address_not_public"
        ? "its name means an address inside a network: where that is meant, set private_apis (privateApis) for this provider"
        : "check that this machine can reach it; it is asked again at the next use",
    details: { issuer, retryAfterMs: 5_000 },
  });
}

/** The texts of a list; undefined where there is no such list. */
export function textsIn(members: Readonly<Record<string, unknown>>, name: string): readonly string[] | undefined {
  const value = members[name];
  if (!Array.isArray(value)) return undefined;
  const texts = value.filter((each): each is string => typeof each === "string" && each !== "");
  return texts.length === 0 ? undefined : texts;
}

/** What came of a request, as one word. */
export function wordOf(result: HttpResult): string {
  return result.kind === "silence" ? result.error : `http_${result.status}`;
}
