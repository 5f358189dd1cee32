import type { RunningStandin, Standin } from "../../src/standin/index.ts";

export const appData = "https://www.googleapis.com/auth/drive.appdata";

/** A clock that stands still until it is moved. */
export function stillClock(now: number = Date.UTC(2026, 10, 22)): { now(): number; advance(ms: number): void } {
  return {
    now: () => now,
    advance: (ms) => {
      now += ms;
    },
  };
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What a JSON endpoint answered. */
export async function json(response: Response): Promise<Answered> {
  const body = (await response.json()) as Record<string, unknown>;
  return { status: response.status, headers: response.headers, body };
}

export async function post(standin: RunningStandin, path: string, form: Record<string, string>): Promise<Answered> {
  return json(await fetch(standin.url + path, { method: "POST", body: new URLSearchParams(form) }));
}

/** `POST /token` with the built-in client's credentials, unless the parameters say otherwise. */
export function token(standin: Standin, parameters: Record<string, string>): Promise<Answered> {
  const { clientId, clientSecret } = standin;
  return post(standin, "/token", { client_id: clientId, client_secret: clientSecret, ...parameters });
}

/** Exchanges a phone's code. */
export const exchange = (standin: Standin, code: string, more: Record<string, string> = {}): Promise<Answered> =>
  token(standin, { grant_type: "authorization_code", code, redirect_uri: "", ...more });

export const refresh = (
  standin: Standin,
  refreshToken: unknown,
  more: Record<string, string> = {},
): Promise<Answered> => token(standin, { grant_type: "refresh_token", refresh_token: String(refreshToken), ...more });

/** Whether a bearer is good: 200 or 401. The app folder is there for everybody who was granted it. */
export const alive = async (standin: Standin, bearer: unknown): Promise<number> =>
  (await call(standin, "/drive/v3/files/appfolder", String(bearer))).status;

/** A grant with a refresh token, as a phone's first consent brings it; no sign-in scope, so no ID token. */
export async function grant(
  standin: Standin,
  email = "ada@example.com",
  scope = appData,
): Promise<{ accessToken: string; refreshToken: string; body: Answered["body"] }> {
  const { body } = await exchange(standin, standin.code({ email, scope, force: true }));
  return { accessToken: String(body["access_token"]), refreshToken: String(body["refresh_token"]), body };
}

interface Call extends RequestInit {
  headers?: Record<string, string>;
}

/** Calls an API with a bearer. */
export const call = (standin: RunningStandin, path: string, bearer: string, init: Call = {}): Promise<Response> =>
  fetch(standin.url + path, { ...init, headers: { ...init.headers, authorization: `Bearer ${bearer}` } });

export async function control(standin: RunningStandin, path: string, body: unknown): Promise<Answered> {
  const headers = { "content-type": "application/json" };
  return json(await fetch(`${standin.url}/standin/${path}`, { method: "POST", headers, body: JSON.stringify(body) }));
}
