/**
 * The dashboard's side of the service: who may come in, the page's files, and its JSON. What a grant is and what may be done
 * with it is decided by the vault; how it looks, by src/dashboard/.
 */
import { OnbehalfError, isOnbehalfError } from "../../../index.ts";
import type { Vault } from "../../../index.ts";
import { invalidRequest } from "../../../core/errors.ts";
import { formOf } from "../../../vault/http/parameters.ts";
import { readParameters } from "../../../vault/http/request-body.ts";
import type { ConnectSite } from "../../../vault/http/connect/site.ts";
import type { Told } from "../../doctor/examine-running.ts";
import { problemResponse } from "../problems.ts";
import { requestId } from "../../../vault/http/request-id.ts";
import { refuseMethod } from "../routes/router.ts";
import type { DashboardRoute, Noted } from "./asked.ts";
import { cookieOf, setCookie } from "./cookie.ts";
import { guardDashboard, guardSignIn } from "./guard.ts";
import { appPage, assetNamed, dashboardHeaders, linkPage, signedOutPage, spentPage } from "./pages.ts";
import { dashboardRoutes } from "./routes.ts";

/** What the dashboard is told. */
export interface DashboardParts {
  readonly vault: Vault;
  /** By which people reach the service. */
  readonly publicUrl: string | undefined;
  readonly siteFor: (request: Request) => ConnectSite | undefined;
  readonly onFault: (error: unknown) => void;
  /** For the checks of its set-up. */
  readonly told: Told;
}

const api = "/dashboard/api";
const linkPath = "/dashboard/link/";

/**
 * Answers a request for `/dashboard` or what lies beneath it.
 *
 * @returns an answer with headers of its own; it never rejects
 */
export async function dashboard(parts: DashboardParts, request: Request): Promise<Response> {
  try {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith(`${api}/`)) return await apiAnswer(parts, request, pathname.slice(api.length));
    return await pageAnswer(parts, request, pathname);
  } catch (error) {
    const response = problemResponse(error);
    if (response.status === 500) parts.onFault(error);
    for (const [name, value] of Object.entries(dashboardHeaders)) response.headers.set(name, value);
    return response;
  }
}

async function pageAnswer(parts: DashboardParts, request: Request, pathname: string): Promise<Response> {
  const isGet = request.method === "GET" || request.method === "HEAD";
  if (pathname.startsWith(linkPath)) {
    if (isGet) return openLink(parts, pathname.slice(linkPath.length));
    return request.method === "POST"
      ? useLink(parts, request, pathname.slice(linkPath.length))
      : refuseMethod(["GET", "POST"]);
  }
  if (!isGet) return refuseMethod(["GET"]);
  if (pathname === "/dashboard") {
    // Without a host: behind a proxy, ours is not the one that the browser knows.
    return new Response(null, { status: 308, headers: { ...dashboardHeaders, location: "dashboard/" } });
  }
  if (pathname === "/dashboard/") return (await isSignedIn(parts, request)) ? appPage() : signedOutPage();
  const asset = pathname.startsWith("/dashboard/assets/") ? await assetNamed(pathname.slice(18)) : undefined;
  return asset ?? nothingHere();
}

/** Looking at a link does not use it up. */
async function openLink({ vault }: DashboardParts, link: string): Promise<Response> {
  const role = await vault.operators.roleOf(link);
  return role === undefined ? spentPage() : linkPage(role);
}

async function useLink({ vault, publicUrl }: DashboardParts, request: Request, link: string): Promise<Response> {
  guardSignIn(request);
  const known = await vault.operators.signIn(link);
  if (known === undefined) return spentPage();
  const headers = new Headers({ ...dashboardHeaders, location: "../", "cache-control": "no-store" });
  headers.set("set-cookie", setCookie(known.cookie.expose(), isHttps(publicUrl)));
  return new Response(null, { status: 303, headers });
}

async function isSignedIn({ vault, publicUrl }: DashboardParts, request: Request): Promise<boolean> {
  try {
    await vault.operators.authenticate(cookieOf(request, isHttps(publicUrl)));
    return true;
  } catch (error) {
    if (isOnbehalfError(error, "unauthorized")) return false;
    throw error;
  }
}

async function apiAnswer(parts: DashboardParts, request: Request, path: string): Promise<Response> {
  const { vault, publicUrl } = parts;
  const https = isHttps(publicUrl);
  guardDashboard(request, publicUrl, request.method !== "GET");
  const operator = await vault.operators.authenticate(cookieOf(request, https));
  const there = dashboardRoutes.flatMap((each) => {
    const named = nameIn(each, path);
    return named === undefined ? [] : [{ route: each, named }];
  });
  if (there.length === 0) return nothingHere();
  const found = there.find(({ route }) => route.method === request.method);
  if (found === undefined) return refuseMethod(there.map(({ route }) => route.method));
  const { route, named } = found;
  if (route.needs === "operator" && operator.role !== "operator") throw readOnly();
  const query = formOf(new URL(request.url).search);
  assertQuery(route, query);
  const id = requestId(request);
  const asked = {
    vault,
    operator,
    named,
    query,
    body: () => readParameters(request),
    note: (entry: Noted) => vault.operators.note(operator, id, entry),
    site: parts.siteFor(request),
    told: parts.told,
  };
  const body = await vault.operators.during(operator, id, () => route.answer(asked));
  const isOut = route.path === "/me" && route.method === "DELETE";
  const headers = {
    ...dashboardHeaders,
    "cache-control": "no-store",
    ...(isOut ? { "set-cookie": setCookie("", https) } : {}),
  };
  return Response.json(body, { headers });
}

/** What a path has in the place of a route's name in braces; empty where the route has none; undefined: another path. */
function nameIn({ path: pattern }: DashboardRoute, path: string): string | undefined {
  const parts = path.split("/");
  const wanted = pattern.split("/");
  if (parts.length !== wanted.length) return undefined;
  let named = "";
  for (const [n, part] of wanted.entries()) {
    const given = parts[n] ?? "";
    if (part.startsWith("{")) {
      if (given === "" || !/^[\w.-]{1,80}$/.test(given)) return undefined;
      named = given;
    } else if (part !== given) return undefined;
  }
  return named;
}

function assertQuery({ query: allowed = [] }: DashboardRoute, query: ReadonlyMap<string, string>): void {
  for (const name of query.keys()) {
    if (allowed.includes(name)) continue;
    throw invalidRequest(
      "the query has a parameter that this address does not take",
      allowed.length === 0 ? "send it without a query" : `use ${allowed.join(", ")}`,
    );
  }
}

function readOnly(): OnbehalfError<"forbidden"> {
  return new OnbehalfError("forbidden", "this sign-in may look at everything and change nothing", {
    hint: "sign in with a link that was made without --read-only: onbehalf dashboard link",
    details: { permission: "operator" },
  });
}

function isHttps(publicUrl: string | undefined): boolean {
  return publicUrl?.startsWith("https:") === true;
}

function nothingHere(): Response {
  throw new OnbehalfError("not_found", "there is nothing at this address", {
    hint: "open the dashboard at /dashboard",
    details: {},
  });
}
