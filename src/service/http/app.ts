/**
 * The service's HTTP: its routes, who may use them, and what each answer looks like. Routes for callers stand in routes/,
 * a file a family; those that anybody may ask stand here.
 * What a grant or a token is, is decided by the vault: a route calls one of its public verbs and says the result as JSON.
 */

import { Hono } from "hono";
import { routePath } from "hono/route";
import type { Context } from "hono";
import { OnbehalfError, isOnbehalfError } from "../../index.ts";
import { defined } from "../../core/defined.ts";
import type { AboutWork, Permission, Vault } from "../../index.ts";
import { authCodeHandler } from "../../vault/http/authcode-handler.ts";
import type { IssuerOf } from "../../vault/http/authcode-handler.ts";
import { errorsPage } from "../../vault/http/errors-page.ts";
import { requestId } from "../../vault/http/request-id.ts";
import { openApiDocument } from "../openapi/document.ts";
import type { Told } from "../doctor/examine-running.ts";
import type { Metrics } from "../metrics.ts";
import { withSafeHeaders } from "./answer-headers.ts";
import { homePage } from "./home-page.ts";
import { mountPathOf, withMountPath, withoutMountPath } from "./mounted.ts";
import { backFromLink, isForPeople, pageForPeople } from "./page-for-people.ts";
import { errorsPath, problemResponse } from "./problems.ts";
import { assertKnownQuery } from "./query.ts";
import { inRequestSpan } from "./request-spans.ts";
import { auditRoutes } from "./routes/audit.ts";
import { eventRoutes } from "./routes/events.ts";
import { clientDocumentRoutes } from "./routes/client-documents.ts";
import { depositRoutes } from "./routes/deposits.ts";
import { connectRoutes, ownAddress, sitesOf } from "./routes/connect.ts";
import { providerRoutes } from "./routes/providers.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { ticketRoutes } from "./routes/tickets.ts";
import { grantRoutes } from "./routes/grants.ts";
import { handleRoutes } from "./routes/handles.ts";
import { EarlyReturns } from "../../vault/http/early-returns.ts";
import { metadata, noAuthorization } from "./token-endpoint/metadata.ts";
import { tokenEndpoint } from "./token-endpoint/token-endpoint.ts";
import { json, refuseMethod, routerOf } from "./routes/router.ts";

/** What a service was told that its dashboard looks at. */
export type DashboardTold = Omit<Told, "publicUrl">;

/** What a service can be told. Nothing is required. */
export interface ServiceOptions {
  /**
   * The URL by which people and phones reach the service; `iss` and `aud` of sign-in assertions. Without it, a server
   * signs as the address that it listens at, and a handler without a server only for requests to this machine itself.
   */
  readonly publicUrl?: string;
  /** Origins whose pages may post codes, besides the service's own. Default: none. */
  readonly allowedOrigins?: readonly string[];
  /**
   * Counts requests, and answers `/metrics` to callers with the permission `metrics`. Default: nothing is counted, and
   * `/metrics` is empty.
   */
  readonly metrics?: Metrics;
  /**
   * Where connect links may send people back to: addresses that are compared exactly, or prefixes that end in `/*`. Default:
   * nowhere, so that callers can make no link, and operators those that end at a page of the service's own. `own`: all of the origin at which the service itself is reached.
   */
  readonly returnUrls?: readonly string[] | "own";
  /** The app's name, which people read before they connect an account. Default: the host of the return URL. */
  readonly appName?: string;
  /** Whether operators have the dashboard at `/dashboard`, or what its checks look at besides the vault. Default: false. */
  readonly dashboard?: boolean | DashboardTold;
  /** Throws while something that the service needs besides its store is missing: `/readyz` then answers that error. */
  readonly assertReady?: () => void;
  /** Called with each error that becomes `internal_error`: the answer tells the caller nothing about it. */
  readonly onFault?: (error: unknown, about?: AboutWork) => void;
}

/**
 * A request handler of the web standard: mount it in any server that speaks `Request` and `Response`.
 *
 * @param mounted `{ mountPath }`: beneath which path, where that is still in the request's URL; `toNode` says so
 */
export type Service = (request: Request, mounted?: unknown) => Promise<Response>;

/**
 * The service over a vault: every route of docs/http-api.md.
 *
 * @param vault the vault that the service is for; whoever opened it closes it
 * @param options what differs from the defaults
 * @returns the handler; it never rejects: an error becomes problem details with the status of its code
 * @see {@link https://www.rfc-editor.org/rfc/rfc9457 | RFC 9457}
 */
export function service(vault: Vault, options: ServiceOptions = {}): Service {
  return serviceOf(vault, options);
}

/**
 * @param issuerOf as `authCodeHandler` takes it
 * @param returns who comes back to the token endpoint, shared with whoever answers in its place
 */
export function serviceOf(
  vault: Vault,
  options: ServiceOptions,
  issuerOf?: IssuerOf,
  returns: EarlyReturns = new EarlyReturns(),
): Service {
  const app = new Hono({ strict: true });
  const { metrics } = options;
  metrics?.watch?.({ figures: vault.figures, now: () => vault.clock.now() });
  const router = routerOf(app, vault);
  const { forAnyone } = router;
  const takeCode = authCodeHandler(vault, { ...options, errorsUrl: errorsPath }, issuerOf);

  const mountPaths = new WeakMap<Request, string>();
  /** Where the service is reached, as far as somebody has said, or only this machine can reach it. */
  const addressOf = (request: Request): string | undefined => {
    if (options.publicUrl !== undefined) return options.publicUrl.replace(/\/+$/, "");
    const url = (issuerOf ?? ownAddress)(request);
    return url === undefined ? undefined : `${url.replace(/\/+$/, "")}${mountPaths.get(request) ?? ""}`;
  };

  /** What spans say of requests, where somebody watches. */
  const answered = new WeakMap<Request, { route: string; code?: string }>();
  if (vault.spans !== undefined) {
    app.use(async (context, next) => {
      await next();
      const route = routePath(context).replaceAll(/:(\w+)(?:\{[^}]*\})?/g, "{$1}");
      if (route !== "/*") answered.set(context.req.raw, { ...answered.get(context.req.raw), route });
    });
  }

  const takeSignal = vault.signalHandler(errorsPath);
  app.all("/authcode", (context) => takeCode(context.req.raw));
  app.all("/risc", (context) => takeSignal(context.req.raw));
  // Before the routes that take any word for a grant.
  depositRoutes(router);
  grantRoutes(router);
  providerRoutes(router);
  handleRoutes(router);
  auditRoutes(router);
  eventRoutes(router);
  clientDocumentRoutes(router);
  ticketRoutes(router);
  sessionRoutes(router);
  const siteFor = sitesOf(options, issuerOf);
  const person = connectRoutes(router, siteFor);

  app.all("/oauth/token", (context) => tokenEndpoint(vault, returns, context.req.raw, options.onFault));
  forAnyone("/.well-known/oauth-authorization-server", ({ req: { raw } }) => metadata(addressOf(raw)));
  app.all("/oauth/authorize", ({ req }) => (req.method === "GET" ? noAuthorization() : refuseMethod(["GET"])));

  app.get("/", (context) => {
    const { raw } = context.req;
    // A person may come back here from somewhere with anything in the query. A program has mistyped something.
    if (!isForPeople(raw)) assertKnownQuery(context, "GET", "/");
    return backFromLink(raw, siteFor) ?? homePage(raw.headers.get("accept") ?? "");
  });
  app.all("/", () => refuseMethod(["GET"]));
  forAnyone("/healthz", () => json({ status: "ok" }));
  forAnyone("/readyz", async () => {
    options.assertReady?.();
    await vault.ping();
    const { standstill } = await vault.storeStanding();
    if (standstill === undefined) return json({ status: "ready" });
    const { why, since } = standstill;
    return json({ status: "ready", standing_still: { why, since } });
  });
  app.all("/metrics", async (context) => {
    const request = context.req.raw;
    if (!(await mayRead(vault, request, "metrics"))) return nothingHere();
    if (!/^(?:GET|HEAD)$/.test(request.method)) return refuseMethod(["GET"]);
    assertKnownQuery(context, "GET", "/metrics");
    const { contentType, body } = (await metrics?.text()) ?? { contentType: "text/plain", body: "" };
    return new Response(body, { headers: { "content-type": contentType } });
  });
  forAnyone("/openapi.json", ({ req }) => json(openApiDocument(options.publicUrl ?? new URL(req.url).origin)));
  forAnyone("/.well-known/jwks.json", async () =>
    Response.json(await vault.jwks(), { headers: { "cache-control": "public, max-age=300" } }),
  );
  forAnyone("/llms.txt", page);
  forAnyone("/docs/:page{.+}", page);
  // What the pages of docs/ link to in the package's root.
  forAnyone("/:page{[A-Z]+\\.md}", page);

  /** The dashboard is loaded with the first request for it. */
  const operators = async (request: Request): Promise<Response | undefined> => {
    const { dashboard: isOn = false, publicUrl } = options;
    if (isOn === false || !isDashboard(request)) return undefined;
    const { dashboard } = await import("./dashboard/dashboard.ts");
    const onFault = (error: unknown): void => options.onFault?.(error);
    const told = { ...(isOn === true ? {} : isOn), ...defined({ publicUrl }) };
    return dashboard({ vault, publicUrl, siteFor, onFault, told }, request);
  };

  app.notFound(nothingHere);
  app.onError((error, { req: { raw } }) => {
    const response = problemResponse(error, () => requestId(raw));
    if (response.status === 500) options.onFault?.(error, { requestId: requestId(raw) });
    if (vault.spans !== undefined && isOnbehalfError(error))
      answered.set(raw, { route: routeName(raw), code: error.code });
    return response;
  });

  return async (request, mounted) => {
    const mountPath = mountPathOf(mounted, options.publicUrl);
    const asked = withoutMountPath(request, mountPath);
    mountPaths.set(asked, mountPath);
    const answer = async (): Promise<Response> => {
      // These pages bring headers of their own.
      const own = (await person(asked)) ?? (await operators(asked));
      const response = own === undefined ? withMountPath(withSafeHeaders(await app.fetch(asked)), mountPath) : own;
      return withRequestId(pageForPeople(asked, await response, siteFor), asked);
    };
    const told = (): { route: string; code?: string } => answered.get(asked) ?? { route: routeName(asked) };
    const { spans } = vault;
    const response = await (spans === undefined ? answer() : inRequestSpan(spans, asked, answer, told));
    metrics?.countRequest(routeName(asked), response.status);
    return response;
  };
}

/** Says in an answer by which id logs know its request. An API's own id stays. */
function withRequestId(response: Response, request: Request): Response {
  if (!response.headers.has("x-request-id")) response.headers.set("x-request-id", requestId(request));
  return response;
}

/**
 * Whether a request's key has a permission without which an address does not exist. Whatever keeps a key from being
 * checked counts as no: another answer would tell that there is something.
 */
async function mayRead(vault: Vault, request: Request, permission: Permission): Promise<boolean> {
  try {
    const { allow } = await vault.callers.authenticate(request.headers.get("authorization"));
    return allow.includes(permission);
  } catch (error) {
    if (isOnbehalfError(error)) return false;
    throw error;
  }
}

function isDashboard({ url }: Request): boolean {
  return /^\/dashboard(?:\/|$)/.test(new URL(url).pathname);
}

function nothingHere(): Response {
  return problemResponse(
    new OnbehalfError("not_found", "there is nothing at this address", {
      hint: "see /openapi.json for every address of this service",
      details: {},
    }),
  );
}

/** The route of a request, for metrics: one of few values, so that no caller can make the label grow. */
function routeName(request: Request): string {
  const [, first = "", second = "", third = "", verb = ""] = new URL(request.url).pathname.split("/");
  if (first !== "v1")
    return /^(?:authcode|risc|healthz|readyz|metrics|openapi\.json|llms\.txt|docs|oauth|connect|dashboard|\.well-known)$/.test(
      first,
    )
      ? `/${first}`
      : "other";
  if (/^(?:audit|events|tickets|connect|providers|sessions)$/.test(second)) return `/v1/${second}`;
  if (second !== "grants") return "other";
  if (third === "deposit") return "/v1/grants/deposit";
  return verb === "token" || verb === "proxy" || verb === "probe" ? `/v1/grants/{ref}/${verb}` : "/v1/grants";
}

/**
 * A page of the documentation. The names of those that there are decide, and no path is looked up in a file system.
 * Loaded with the first one that is asked for: a service that is never asked keeps none in memory.
 */
async function page({ req }: Context): Promise<Response> {
  const { pathname } = new URL(req.url);
  // A browser gets sections, to which the links of problems lead.
  if (pathname === "/docs/errors.md") return errorsPage(req.raw);
  const { pages } = await import("../pages/pages.ts");
  const text = pages.get(pathname.slice(1));
  if (text === undefined) return nothingHere();
  const type = pathname.endsWith(".md") ? "text/markdown" : "text/plain";
  return new Response(text, {
    headers: { "content-type": `${type}; charset=utf-8`, "cache-control": "public, max-age=300" },
  });
}
