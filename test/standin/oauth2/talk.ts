import { createHash } from "node:crypto";
import { startStandin } from "../../../src/standin/index.ts";
import type { OAuth2Standin, OAuth2StandinOptions } from "../../../src/standin/index.ts";
import { json, post, stillClock } from "../talk.ts";
import type { Answered } from "../talk.ts";

export const callback = "http://127.0.0.1:8787/callback";
export const verifier = "a-verifier-of-forty-three-characters-or-more-0123456789";

export function challengeOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}

/** A stand-in of the kind `oauth2` whose clock stands still. */
export function provider(options: Omit<OAuth2StandinOptions, "kind"> = {}): Promise<OAuth2Standin> {
  return startStandin({ clock: stillClock(), ...options, kind: "oauth2" });
}

/** `POST` with the built-in client's credentials, unless the parameters say otherwise; one that is empty is left out. */
export function asClient(
  standin: OAuth2Standin,
  path: string,
  parameters: Readonly<Record<string, string>>,
): Promise<Answered> {
  const { clientId, clientSecret } = standin;
  const form = { client_id: clientId, client_secret: clientSecret, ...parameters };
  return post(standin, path, Object.fromEntries(Object.entries(form).filter(([, value]) => value !== "")));
}

export const exchange = (
  standin: OAuth2Standin,
  code: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Answered> => asClient(standin, "/token", { grant_type: "authorization_code", code, ...more });

export const refresh = (
  standin: OAuth2Standin,
  refreshToken: unknown,
  more: Readonly<Record<string, string>> = {},
): Promise<Answered> =>
  asClient(standin, "/token", { grant_type: "refresh_token", refresh_token: String(refreshToken), ...more });

/** What the exchange of a new code of Ada's brings. */
export async function granted(standin: OAuth2Standin, scope = "profile read"): Promise<Answered["body"]> {
  return (await exchange(standin, standin.code({ email: "ada@example.com", scope }))).body;
}

/** Who a bearer speaks for: 200, or 401. */
export async function user(standin: OAuth2Standin, bearer: unknown): Promise<Answered> {
  return json(await fetch(`${standin.url}/user`, { headers: { authorization: `Bearer ${String(bearer)}` } }));
}

/** How the last request that the stand-in acted on ended. */
export function lastOutcome(standin: OAuth2Standin): string | undefined {
  return standin.log().entries.at(-1)?.outcome;
}
