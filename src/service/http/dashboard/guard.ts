import { OnbehalfError } from "../../../core/errors.ts";

/**
 * Refuses what another site could make an operator's browser send. The cookie does not come with it (SameSite=Strict), but
 * for pages of the same site, such as another program's on another port of this machine, or on another host of the domain.
 *
 * A browser sets `Sec-Fetch-Site` and `Origin` itself, and no page can change them. `X-Requested-With` comes from another
 * origin only after a preflight, which nobody answers.
 *
 * @param publicUrl by which people reach the service: the host of a request may be another one behind a proxy
 * @throws {OnbehalfError} `csrf_rejected`: `details.rule` names the check that failed
 * @see https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
 */
export function guardDashboard(request: Request, publicUrl: string | undefined, needsHeader: boolean): void {
  const site = request.headers.get("sec-fetch-site");
  const origin = request.headers.get("origin");
  const own = [new URL(request.url).origin, ...(publicUrl === undefined ? [] : [new URL(publicUrl).origin])];
  const isForeign =
    site === null
      ? origin !== null && !own.includes(origin)
      : site !== "same-origin" && (needsHeader || site !== "none");
  if (isForeign) {
    throw new OnbehalfError("csrf_rejected", "the request comes from a page of another origin", {
      hint: "open the dashboard itself, at /dashboard of this service",
      details: { rule: "origin" },
    });
  }
  if (needsHeader && (request.headers.get("x-requested-with") ?? "") === "") {
    throw new OnbehalfError("csrf_rejected", "the request has no X-Requested-With header", {
      hint: "send the header X-Requested-With: XMLHttpRequest",
      details: { rule: "requested_with" },
    });
  }
}

/**
 * The same for the form of a sign-in link, which can send no header. The page has no referrer, so that its browser sends
 * `Origin: null`; a browser without `Sec-Fetch-Site` cannot be told from somebody who typed the request.
 *
 * @throws {OnbehalfError} `csrf_rejected`
 */
export function guardSignIn(request: Request): void {
  const site = request.headers.get("sec-fetch-site");
  if (site === null || site === "same-origin" || site === "none") return;
  throw new OnbehalfError("csrf_rejected", "the link was opened by a page of another origin", {
    hint: "open the link in a window of its own; it was not used up",
    details: { rule: "origin" },
  });
}
