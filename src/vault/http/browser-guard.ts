import { OnbehalfError } from "../../core/errors.ts";

/**
 * Refuses requests that another site could make a person's browser send. Runs before anything is spent.
 *
 * A browser sets `Sec-Fetch-Site` and `Origin` itself, and sends `X-Requested-With` across origins only where a
 * preflight allowed it: a form on a foreign page can do none of that. Phones send the header because they can.
 *
 * @param ownOrigins origins that are ours, beside the one the request came in on
 * @throws {OnbehalfError} `csrf_rejected`
 * @see https://developers.google.com/identity/protocols/oauth2/web-server (custom header), Fetch Metadata
 */
export function guardAgainstForgery(request: Request, ownOrigins: ReadonlySet<string>): void {
  const site = request.headers.get("sec-fetch-site");
  const origin = request.headers.get("origin");
  const foreign =
    site === "cross-site" ||
    site === "same-site" ||
    (site === null && origin !== null && origin !== new URL(request.url).origin);
  if (foreign && (origin === null || !ownOrigins.has(origin))) {
    throw new OnbehalfError("csrf_rejected", "the request comes from a page of another origin", {
      hint: "add the page's origin to the allowed origins; nothing was spent, the code still works",
      details: { rule: "origin" },
    });
  }
  if ((request.headers.get("x-requested-with") ?? "") === "") {
    throw new OnbehalfError("csrf_rejected", "the request has no X-Requested-With header", {
      hint: "send X-Requested-With: XMLHttpRequest with it; nothing was spent, the code still works",
      details: { rule: "requested_with" },
    });
  }
}

/** Whether a browser sent this: no app on a phone sends these headers. */
export function isFromBrowser({ headers }: Request): boolean {
  return headers.has("origin") || headers.has("sec-fetch-site");
}
