import { OnbehalfError } from "../../core/errors.ts";

/**
 * Refuses requests that another site could make a person's browser send. It must run before the code is used.
 *
 * A browser sets `Sec-Fetch-Site` and `Origin` itself, and a page cannot change them. A browser sends
 * `X-Requested-With` to another origin only where that origin's server allowed it in a preflight. A form on another
 * site's page can neither hide where it comes from nor send that header. An app on a phone can always send it.
 *
 * @param ownOrigins origins whose pages may post codes, beside the origin that the request was sent to
 * @throws {OnbehalfError} `csrf_rejected`: `details.rule` names the check that failed
 * @see https://developers.google.com/identity/protocols/oauth2/web-server
 * @see https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
 */
export function guardAgainstForgery(request: Request, ownOrigins: ReadonlySet<string>): void {
  const site = request.headers.get("sec-fetch-site");
  const origin = request.headers.get("origin");
  const foreign =
    // Any other value is foreign: one that a later browser adds, or that somebody made up.
    (site !== null && site !== "same-origin" && site !== "none") ||
    (site === null && origin !== null && origin !== new URL(request.url).origin);
  if (foreign && (origin === null || !ownOrigins.has(origin))) {
    throw new OnbehalfError("csrf_rejected", "the request comes from a page of another origin", {
      hint: "add the page's origin to the allowed origins; the code was not used and still works",
      details: { rule: "origin" },
    });
  }
  if ((request.headers.get("x-requested-with") ?? "") === "") {
    throw new OnbehalfError("csrf_rejected", "the request has no X-Requested-With header", {
      hint: "send the header X-Requested-With: XMLHttpRequest; the code was not used and still works",
      details: { rule: "requested_with" },
    });
  }
}

/** Whether a browser sent the request: it sends headers that no app on a phone sends. */
export function isFromBrowser({ headers }: Request): boolean {
  return headers.has("origin") || headers.has("sec-fetch-site");
}
