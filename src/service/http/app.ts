/**
 * The service's HTTP: its routes, who may use them, the proxy to an API, and what each answer looks like.
 * What a grant or a token is, is decided by the vault: a route calls one of its public verbs and says the result as JSON.
 */

import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import type { Context } from "hono";
import { OnbehalfError, isOnbehalfError, parseGrantRef } from "../../index.ts";
import type { CallerView, GrantRef, Permission, Vault } from "../../index.ts";
import { defined } from "../../core/defined.ts";
import { invalidRequest } from "../../core/errors.ts";
import { grantStates } from "../../core/grant.ts";
import { authCodeHandler, codeOptions, consentBody } from "../../vault/http/authcode-handler.ts";
import type { IssuerOf } from "../../vault/http/authcode-handler.ts";
import { errorsPage } from "../../vault/http/errors-page.ts";
import { readParameters } from "../../vault/http/request-body.ts";
import { openApiDocument } from "../openapi/document.ts";
import type { Metrics } from "../metrics.ts";
import { withSafeHeaders } from "./answer-headers.ts";
import { homePage } from "./home-page.ts";
import { mountPathOf, withMountPath, withoutMountPath } from "./mounted.ts";
import { errorsPath, problemResponse } from "./problems.ts";
import { proxy } from "./proxy.ts";
import { assertKnownQuery, queryOf } from "./query.ts";
import { auditBody, grantBody, pageBody, tokenBody, tokenHeaders, wholeNumber } from "./json-bodies.ts";

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
  /** Throws while something that the service needs besides its store is missing: `/readyz` then answers that error. */
  readonly assertReady?: () => void;
  /** Called with each error that becomes `internal_error`: the answer tells the caller nothing about it. */
  readonly onFault?: (error: unknown) => void;
}

/**
 * A request handler of the web standard: mount it in any server that speaks `Request` and `Response`.
 *
 * @param mounted `{ mountPath }`: beneath which path, where that is still in the request's URL; `toNode` says so
 */
export type Service = (request: Request, mounted?: unknown) => Promise<Response>;

type Handler = (context: Context, view: CallerView) => Promise<Response> | Response;
type Method = "GET" | "POST" | "DELETE";

const proxiedMethods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

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

/** @param issuerOf as `authCodeHandler` takes it */
export function serviceOf(vault: Vault, options: ServiceOptions, issuerOf?: IssuerOf): Service {
  const app = new Hono({ strict: true });
  const { metrics } = options;
  const takeCode = authCodeHandler(vault, { ...options, errorsUrl: errorsPath }, issuerOf);

  /** A route for callers: who asks, and whether they may, is checked before anything else of the request is read. */
  const forCallers = (path: string, methods: Partial<Record<Method, readonly [Permission, Handler]>>): void => {
    for (const [method, [permission, handler]] of Object.entries(methods)) {
      app.on(method, path, async (context) => {
        const view = await admit(vault, context.req.raw, permission);
        assertKnownQuery(context, method, path);
        return view.during(requestId(context.req.raw), () => handler(context, view));
      });
    }
    app.all(path, () => refuseMethod(Object.keys(methods)));
  };
  const forAnyone = (path: string, handler: (context: Context) => Promise<Response> | Response): void => {
    app.get(path, (context) => {
      assertKnownQuery(context, "GET", path);
      return handler(context);
    });
    app.all(path, () => refuseMethod(["GET"]));
  };

  app.all("/authcode", (context) => takeCode(context.req.raw));

  forCallers("/v1/grants", {
    POST: [
      "grants:create",
      async (context, view) => {
        const parameters = await readParameters(context.req.raw);
        const externalId = parameters.get("external_id");
        const moveExternalId = parameters.flag("move_external_id");
        const asked = codeOptions(parameters, "android");
        const grant = await view.exchangeCode({ ...asked, ...defined({ externalId, moveExternalId }) });
        const consent = consentBody(grant, vault.providerOf(grant.provider), asked.scopes ?? []);
        return json({ ...consent, external_id: grant.externalId });
      },
    ],
    GET: [
      "grants:read",
      async (context, view) => {
        const query = queryOf(context);
        const limit = wholeNumber("limit", query.get("limit"), 1, 500);
        const page = await view.grants({
          ...chosen(query, { external_id: "externalId", subject: "subject", cursor: "cursor", provider: "provider" }),
          ...stateOf(query.get("state")),
          ...defined({ limit }),
        });
        return json(pageBody(page));
      },
    ],
  });

  forCallers("/v1/grants/:ref", {
    GET: ["grants:read", async (context, view) => json(grantBody(await view.grant(refOf(context))))],
    DELETE: ["grants:revoke", async (context, view) => json(grantBody(await view.revoke(refOf(context))))],
  });

  forCallers("/v1/grants/:ref/token", {
    GET: [
      "token",
      async (context, view) => {
        const minTtlSeconds = wholeNumber("min_ttl_seconds", queryOf(context).get("min_ttl_seconds"), 0, 86_400);
        const refused = queryOf(context).get("refused");
        const token = await view.getAccessToken(refOf(context), defined({ minTtlSeconds, refused }));
        return new Response(tokenBody(token, vault.clock.now()), { headers: tokenHeaders });
      },
    ],
  });

  forCallers("/v1/audit", {
    GET: [
      "audit",
      async (context, view) => {
        const query = queryOf(context);
        const after = wholeNumber("after", query.get("after"), 0, Number.MAX_SAFE_INTEGER);
        const limit = wholeNumber("limit", query.get("limit"), 1, 500);
        const named = query.get("grant");
        const ref = named === undefined ? undefined : parseGrantRef(named, query.get("provider"));
        const { rows, next } = await view.audit(defined({ after, limit, ref, caller: query.get("caller") }));
        return json({ rows: rows.map(auditBody), next });
      },
    ],
  });

  app.all("/v1/grants/:ref/proxy/*", async (context) => {
    const request = context.req.raw;
    const view = await admit(vault, request, "proxy");
    // fetch() refuses to send these methods: they are meant for the servers between a client and the API.
    if (/^(?:CONNECT|TRACE|TRACK)$/i.test(request.method)) return refuseMethod(proxiedMethods);
    const { pathname, search } = new URL(request.url);
    const target = pathname.split("/").slice(5).join("/");
    // The whole query belongs to the API, so there is no ?provider= here: name a grant by its id where several fit.
    return view.during(requestId(request), () => proxy(view, parseRef(context), `${target}${search}`, request));
  });

  forAnyone("/", ({ req }) => homePage(req.header("accept") ?? ""));
  forAnyone("/healthz", () => json({ status: "ok" }));
  forAnyone("/readyz", async () => {
    options.assertReady?.();
    await vault.ping();
    return json({ status: "ready" });
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

  app.notFound(nothingHere);
  app.onError((error) => {
    const response = problemResponse(error);
    if (response.status === 500) options.onFault?.(error);
    return response;
  });

  return async (request, mounted) => {
    const mountPath = mountPathOf(mounted, options.publicUrl);
    const asked = withoutMountPath(request, mountPath);
    const response = await withMountPath(withSafeHeaders(await app.fetch(asked)), mountPath);
    metrics?.countRequest(routeName(asked), response.status);
    return response;
  };
}

/**
 * The vault as the caller who sent a request sees it, if it may do this. Handlers for callers get this and not the vault:
 * a route that forgot to ask what the caller may see could not be written.
 *
 * @throws {OnbehalfError} `unauthorized`: no key, or one that does not work; `forbidden`: a key without this permission
 */
async function admit(vault: Vault, request: Request, permission: Permission): Promise<CallerView> {
  const caller = await vault.callers.authenticate(request.headers.get("authorization"));
  const view = vault.forCaller(caller);
  view.assertAllowed(permission);
  return view;
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

function nothingHere(): Response {
  return problemResponse(
    new OnbehalfError("not_found", "there is nothing at this address", {
      hint: "see /openapi.json for every address of this service",
      details: {},
    }),
  );
}

/** By which the audit log names a request: the caller's own id where it sent one, and never another text of its choice. */
function requestId(request: Request): string {
  const sent = request.headers.get("x-request-id") ?? "";
  return /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(sent) ? sent.toLowerCase() : randomUUID();
}

function refOf(context: Context): GrantRef {
  return parseGrantRef(context.req.param("ref") ?? "", queryOf(context).get("provider"));
}

function parseRef(context: Context): GrantRef {
  return parseGrantRef(context.req.param("ref") ?? "");
}

function chosen(query: ReadonlyMap<string, string>, names: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(names).flatMap(([parameter, name]) => {
      const value = query.get(parameter);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

function stateOf(text: string | undefined): { state?: (typeof grantStates)[number] } {
  if (text === undefined) return {};
  const state = grantStates.find((known) => known === text);
  if (state !== undefined) return { state };
  throw invalidRequest("state is not known", `use one of ${grantStates.join(", ")}`, "state");
}

function refuseMethod(allow: readonly string[]): Response {
  return problemResponse(
    new OnbehalfError("method_not_allowed", "this address does not have this method", {
      hint: `use ${allow.join(" or ")}`,
      details: { allow },
    }),
  );
}

function json(body: unknown): Response {
  return Response.json(body, { headers: { "cache-control": "no-store" } });
}

/** The route of a request, for metrics: one of few values, so that no caller can make the label grow. */
function routeName(request: Request): string {
  const [, first = "", second = "", , verb = ""] = new URL(request.url).pathname.split("/");
  if (first !== "v1")
    return /^(?:authcode|healthz|readyz|metrics|openapi\.json|llms\.txt|docs|\.well-known)$/.test(first)
      ? `/${first}`
      : "other";
  if (second === "audit") return "/v1/audit";
  if (second !== "grants") return "other";
  return verb === "token" || verb === "proxy" ? `/v1/grants/{ref}/${verb}` : "/v1/grants";
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
