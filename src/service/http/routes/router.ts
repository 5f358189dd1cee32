/**
 * How a route is added: who may use it, which methods and which query it has. A family of routes is a file of its own
 * beside this one; what a route answers belongs there.
 */
import type { Context, Hono } from "hono";
import { OnbehalfError, parseGrantRef } from "../../../index.ts";
import type { CallerView, GrantRef, Permission, Vault } from "../../../index.ts";
import { requestId } from "../../../vault/http/request-id.ts";
import { problemResponse } from "../problems.ts";
import { assertKnownQuery, queryOf } from "../query.ts";

/** Answers a request of a caller, about what that caller may see. */
export type Handler = (context: Context, view: CallerView) => Promise<Response> | Response;
type Method = "GET" | "POST" | "DELETE";

/** Where a family of routes is added. */
export interface Router {
  readonly app: Hono;
  readonly vault: Vault;
  /** A route for callers: who asks, and whether they may, is checked before anything else of the request is read. */
  readonly forCallers: (path: string, methods: Partial<Record<Method, readonly [Permission, Handler]>>) => void;
  /** A route that needs no key. */
  readonly forAnyone: (path: string, handler: (context: Context) => Promise<Response> | Response) => void;
}

/** Adds routes to an app, for a vault. */
export function routerOf(app: Hono, vault: Vault): Router {
  return {
    app,
    vault,
    forCallers(path, methods) {
      for (const [method, [permission, handler]] of Object.entries(methods)) {
        app.on(method, path, async (context) => {
          const view = await admit(vault, context.req.raw, permission);
          assertKnownQuery(context, method, path);
          return view.during(requestId(context.req.raw), () => handler(context, view));
        });
      }
      app.all(path, () => refuseMethod(Object.keys(methods)));
    },
    forAnyone(path, handler) {
      app.get(path, (context) => {
        assertKnownQuery(context, "GET", path);
        return handler(context);
      });
      app.all(path, () => refuseMethod(["GET"]));
    },
  };
}

/**
 * The vault as the caller who sent a request sees it, if it may do this. Handlers for callers get this and not the vault:
 * a route that forgot to ask what the caller may see could not be written.
 *
 * @throws {OnbehalfError} `unauthorized`: no key, or one that does not work; `forbidden`: a key without this permission
 */
export async function admit(vault: Vault, request: Request, permission: Permission): Promise<CallerView> {
  const caller = await vault.callers.authenticate(request.headers.get("authorization"));
  const view = vault.forCaller(caller);
  view.assertAllowed(permission);
  return view;
}

/** The grant that a path names, with the query that settles it. */
export function refOf(context: Context): GrantRef {
  const query = queryOf(context);
  return parseGrantRef(context.req.param("ref") ?? "", query.get("provider"), query.get("account"));
}

/** Members of a query by the names that a verb has for them; those that are not there are left out. */
export function chosen(
  query: ReadonlyMap<string, string>,
  names: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(names).flatMap(([parameter, name]) => {
      const value = query.get(parameter);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

export function refuseMethod(allow: readonly string[]): Response {
  return problemResponse(
    new OnbehalfError("method_not_allowed", "this address does not have this method", {
      hint: `use ${allow.join(" or ")}`,
      details: { allow },
    }),
  );
}

export function json(body: unknown, status = 200): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store" } });
}

/** What a request has made. */
export function created(body: unknown): Response {
  return Response.json(body, { status: 201, headers: { "cache-control": "no-store" } });
}
