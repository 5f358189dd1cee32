import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { dashboardLink } from "../../src/service/http/dashboard/link.ts";
import { testService } from "./test-service.ts";
import type { TestService } from "./test-service.ts";

type Role = "operator" | "reader";

export const xhr = { "x-requested-with": "XMLHttpRequest" };

/** A browser that is signed in: what it sends with each request. */
export async function signedIn(service: TestService, role: Role = "operator"): Promise<{ readonly cookie: string }> {
  const response = await press(await dashboardLink(service.vault, service.url, role));
  assert.equal(response.status, 303);
  return { cookie: cookieIn(response) };
}

/** Presses the button of a link. */
export function press(link: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(link, { method: "POST", redirect: "manual", headers });
}

export function cookieIn(response: Response): string {
  return (response.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
}

export async function dashboardService(
  t: TestContext,
  options: Parameters<typeof testService>[1] = {},
): Promise<TestService> {
  return testService(t, { dashboard: true, ...options });
}

/** Asks the dashboard's JSON as its page does. */
export async function get(service: TestService, path: string, headers: Record<string, string>): Promise<Response> {
  return fetch(`${service.url}/dashboard/api${path}`, { headers: { ...xhr, ...headers } });
}

/** The same for a change. */
export async function send(
  service: TestService,
  method: "POST" | "DELETE",
  path: string,
  headers: Record<string, string>,
  body?: object,
): Promise<Response> {
  return fetch(`${service.url}/dashboard/api${path}`, {
    method,
    headers: { ...xhr, ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** What an answer holds, which must be one. */
export async function bodyOf<T = Record<string, unknown>>(response: Response, status = 200): Promise<T> {
  const text = await response.text();
  assert.equal(response.status, status, text);
  return JSON.parse(text) as T;
}

export async function errorOf(response: Response): Promise<unknown> {
  return ((await response.json()) as { error: unknown }).error;
}
