import { OnbehalfError } from "../index.ts";

const ownHosts = new Set(["127.0.0.1", "localhost", "[::1]"]);

/**
 * Lets requests of the demo's own page through, and no others: these routes act on people's behalf and ask for no key.
 *
 * Another host name than loopback's is a foreign name that somebody made point here (DNS rebinding): its page would count
 * as same-origin. A page of another origin cannot set `X-Requested-With` without a preflight, which the demo refuses.
 *
 * @throws {OnbehalfError} `csrf_rejected`: `details.rule` names the check that failed
 */
export function guardDemo(request: Request): void {
  const { hostname, origin } = new URL(request.url);
  const site = request.headers.get("sec-fetch-site") ?? "none";
  const from = request.headers.get("origin") ?? origin;
  if (!ownHosts.has(hostname) || from !== origin || (site !== "none" && site !== "same-origin")) {
    throw new OnbehalfError("csrf_rejected", "the demo answers its own page alone", {
      hint: "open the page at the address that the demo printed",
      details: { rule: "origin" },
    });
  }
  if (request.method !== "GET" && (request.headers.get("x-requested-with") ?? "") === "") {
    throw new OnbehalfError("csrf_rejected", "the request has no X-Requested-With header", {
      hint: "send X-Requested-With: XMLHttpRequest with the request",
      details: { rule: "requested_with" },
    });
  }
}
