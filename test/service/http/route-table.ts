import type { Permission } from "../../../src/index.ts";

/** One verb at one address, as docs/http-api.md lists it. */
export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  /** `{ref}` stands for a grant, `{target}` for a host and path of the proxy. */
  readonly path: string;
  /** What a caller needs; absent where anyone may come. */
  readonly permission?: Permission;
  /** Without that permission there is nothing at this address. */
  readonly hidden?: boolean;
  /** Takes a form or JSON. */
  readonly body?: Readonly<Record<string, string>>;
}

export const routes: readonly Route[] = [
  { method: "POST", path: "/authcode", body: { authCode: "4/0Anever-issued" } },
  { method: "POST", path: "/v1/grants", permission: "grants:create", body: { code: "4/0Anever-issued" } },
  {
    method: "POST",
    path: "/v1/grants/deposit",
    permission: "grants:create",
    body: { refresh_token: "1//0never-issued", external_id: "user-1" },
  },
  { method: "GET", path: "/v1/grants", permission: "grants:read" },
  { method: "GET", path: "/v1/grants/{ref}", permission: "grants:read" },
  { method: "DELETE", path: "/v1/grants/{ref}", permission: "grants:revoke" },
  { method: "POST", path: "/v1/grants/{ref}/probe", permission: "grants:read" },
  { method: "GET", path: "/v1/grants/{ref}/token", permission: "token" },
  { method: "GET", path: "/v1/grants/{ref}/proxy/{target}", permission: "proxy" },
  { method: "POST", path: "/v1/grants/{ref}/proxy/{target}", permission: "proxy" },
  { method: "GET", path: "/v1/providers", permission: "token" },
  { method: "POST", path: "/v1/grants/{ref}/handles", permission: "handles", body: { name: "reports" } },
  { method: "GET", path: "/v1/grants/{ref}/handles", permission: "handles" },
  { method: "DELETE", path: "/v1/grants/{ref}/handles/{handle_id}", permission: "handles" },
  { method: "POST", path: "/v1/tickets", permission: "connect", body: { external_id: "user-1" } },
  {
    method: "POST",
    path: "/v1/connect",
    permission: "connect",
    body: { external_id: "user-1", return_url: "https://app.example/" },
  },
  { method: "GET", path: "/v1/connect/{connect_id}", permission: "connect" },
  {
    method: "POST",
    path: "/v1/connect/{connect_id}/finish",
    permission: "connect",
    body: { code_verifier: "x".repeat(43) },
  },
  {
    method: "POST",
    path: "/v1/sessions",
    permission: "sessions",
    body: { allow: "token", grants: "ext:user-1" },
  },
  { method: "GET", path: "/v1/sessions", permission: "sessions" },
  { method: "DELETE", path: "/v1/sessions/{session_id}", permission: "sessions" },
  { method: "GET", path: "/v1/audit", permission: "audit" },
  { method: "GET", path: "/v1/events", permission: "events" },
  { method: "GET", path: "/" },
  { method: "GET", path: "/healthz" },
  { method: "GET", path: "/readyz" },
  { method: "GET", path: "/metrics", permission: "metrics", hidden: true },
  { method: "GET", path: "/openapi.json" },
  { method: "GET", path: "/.well-known/jwks.json" },
  { method: "GET", path: "/.well-known/oauth-authorization-server" },
  { method: "GET", path: "/oauth/client/{document}" },
  { method: "GET", path: "/docs/{page}" },
  { method: "GET", path: "/{page}" },
  { method: "GET", path: "/llms.txt" },
];

/** Endpoints of other standards, which say who asks and what is wrong in words of their own. Tests of their own try them: token-endpoint/, signals.test.ts. */
export const oauth: readonly string[] = ["POST /oauth/token", "GET /oauth/authorize", "POST /risc"];

/** Whether a route takes a one-time code. */
export const takesCode = ({ body = {} }: Route): boolean => "code" in body || "authCode" in body;

export const target = "www.googleapis.com/drive/v3/files/appfolder";

/** A route's address for a grant. */
export const pathOf = ({ path }: Route, ref: string): string =>
  placed(path.replace("{ref}", ref).replace("{target}", target));

/** A path with a page that is there in the place of one. */
export const placed = (path: string): string =>
  path
    .replace("/docs/{page}", "/docs/errors.md")
    .replace(/^\/\{page\}/, "/README.md")
    .replace("{document}", "tools.json")
    .replace("{handle_id}", "0".repeat(16))
    .replace("{session_id}", "0".repeat(16))
    .replace("{connect_id}", `c_${"x".repeat(43)}`);

export const nameOf = ({ method, path }: Route): string => `${method} ${path}`;
