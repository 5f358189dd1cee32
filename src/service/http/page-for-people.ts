/**
 * What a person reads whose browser was sent to an address of the service that has nothing for people. Programs read problem
 * details there; a person would be shown their JSON, after a consent that may well have succeeded.
 */
import { donePage } from "../../vault/http/connect/site.ts";
import type { SiteFor } from "../../vault/http/connect/site.ts";
import { languageOf, outcomePage, pageHeaders } from "../../vault/http/connect/pages/index.ts";

/** Addresses that programs alone ask, whatever they accept. */
const forPrograms = /^\/(?:v1|oauth|authcode|risc|dashboard\/api)(?:\/|$)/;

/** Whether a browser shows to a person what it is answered. */
export function isForPeople({ method, headers }: Request): boolean {
  return (method === "GET" || method === "HEAD") && /\btext\/html\b/i.test(headers.get("accept") ?? "");
}

/**
 * Whoever comes back from a connect link to an address of ours that is none of the app's is led to the page that says how the link ended.
 *
 * @returns undefined: nobody has come back
 */
export function backFromLink(request: Request, siteFor: SiteFor): Response | undefined {
  const connectId = new URL(request.url).searchParams.get("connect_id") ?? "";
  if (!isForPeople(request) || !/^c_[\w-]{43}$/.test(connectId)) return undefined;
  const site = siteFor(request);
  if (site === undefined) return undefined;
  const location = `${donePage(site)}?connect_id=${connectId}`;
  return new Response(null, { status: 303, headers: { ...pageHeaders(), location } });
}

/** An answer as it is; or, where there is nothing for a person who has come, a page that says so in their language. */
export function pageForPeople(request: Request, response: Response, siteFor: SiteFor): Response {
  if (response.status !== 404 || !isForPeople(request) || forPrograms.test(new URL(request.url).pathname))
    return response;
  if (!/^application\/problem\+json\b/.test(response.headers.get("content-type") ?? "")) return response;
  const back = backFromLink(request, siteFor);
  if (back !== undefined) return back;
  const { headers: asked } = request;
  const language = languageOf(asked.get("accept-language"));
  const headers = { ...pageHeaders({ language }), vary: "Accept, Accept-Language" };
  return new Response(outcomePage({ language, outcome: "unknown" }), { status: 404, headers });
}
