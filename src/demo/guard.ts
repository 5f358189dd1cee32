import { OnbehalfError } from "../index.ts";

const ownHosts = new Set(["127.0.0.1", "localhost", "[::1]"]);

/**
 * Lets the demo's own page through, and nobody else: these routes act on people's behalf without a key.
 *
 * A host name other than loopback's is a foreign name made to point here (DNS rebinding), whose page would count as
 * same-origin. A page of another origin cannot set `X-Requested-With` without a preflight, which nobody answers.
 *
 * @throws {OnbehalfError} `csrf_rejected`
 */
export function guardDemo(request: Request): void {
  const { hostname, origin } = new URL(request.url);
  const site = request.headers.get("sec-fetch-site") ?? "none";
  const from = request.headers.get("origin") ?? origin;
  if (!ownHosts.has(hostname) || from !== origin || (site !== "none" && site !== "same-origin")) {
    throw new OnbehalfError("csrf_rejected", "the demo's routes answer the demo's own page alone", {
      hint: "open the page at the address that the demo printed",
      details: { rule: "origin" },
    });
  }
  if (request.method !== "GET" && (request.headers.get("x-requested-with") ?? "") === "") {
    throw new OnbehalfError("csrf_rejected", "the request has no X-Requested-With header", {
      hint: "send X-Requested-With: XMLHttpRequest with it",
      details: { rule: "requested_with" },
    });
  }
}
