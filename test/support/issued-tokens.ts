/** Refresh tokens that somebody else got from the stand-in: no vault of ours has seen them. */
import assert from "node:assert/strict";
import type { Standin } from "../../src/standin/index.ts";
import { usualScope } from "./test-vault.ts";

/**
 * Signs a person in at the stand-in, as another program would, and returns the refresh token.
 *
 * @param email a new person where nobody has it
 */
export async function issuedToken(standin: Standin, email: string, scope: string = usualScope): Promise<string> {
  const code = standin.code({ email, scope, force: true });
  return tokenOf(standin, { grant_type: "authorization_code", code, redirect_uri: "" });
}

/** Refreshes a token as another program would. @returns the newest refresh token */
export async function refreshedElsewhere(standin: Standin, refreshToken: string): Promise<string> {
  return tokenOf(standin, { grant_type: "refresh_token", refresh_token: refreshToken });
}

async function tokenOf(standin: Standin, form: Readonly<Record<string, string>>): Promise<string> {
  const { url, clientId, clientSecret } = standin;
  const body = new URLSearchParams({ ...form, client_id: clientId, client_secret: clientSecret });
  const answer = await fetch(`${url}/token`, { method: "POST", body });
  assert.equal(answer.status, 200);
  const { refresh_token: token } = (await answer.json()) as { readonly refresh_token?: string };
  return token ?? form["refresh_token"] ?? "";
}
