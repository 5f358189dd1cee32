import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { challengeOf } from "../../src/crypto/code-challenge.ts";
import { Secret } from "../../src/index.ts";
import type { Standin } from "../../src/standin/index.ts";

/** What answers a request: a handler, or `fetch` where something listens. */
export type Answering = (request: Request) => Promise<Response>;

/** An answer, read. */
export interface Seen {
  readonly status: number;
  readonly location: string | undefined;
  readonly page: string;
  readonly headers: Headers;
}

/** A browser without scripts that keeps cookies: one person's. */
export class ConnectBrowser {
  readonly #answering: Answering;
  cookies = new Map<string, string>();

  constructor(answering: Answering) {
    this.#answering = answering;
  }

  async open(url: string, headers: Record<string, string> = {}): Promise<Seen> {
    return this.#ask(new Request(url, { headers: { ...this.#cookieHeader, ...headers }, redirect: "manual" }));
  }

  /** Sends the confirmation page's form. */
  async decide(
    page: string,
    changes: Record<string, string> = {},
    headers: Record<string, string> = {},
  ): Promise<Seen> {
    const action = unescaped(/<form[^>]*action="([^"]*)"/.exec(page)?.[1] ?? "");
    const csrf = unescaped(/name="csrf" value="([^"]*)"/.exec(page)?.[1] ?? "");
    return this.post(action, { csrf, decision: "continue", ...changes }, headers);
  }

  async post(url: string, form: Record<string, string>, headers: Record<string, string> = {}): Promise<Seen> {
    return this.#ask(
      new Request(url, {
        method: "POST",
        body: new URLSearchParams(form),
        headers: { ...this.#cookieHeader, "sec-fetch-site": "same-origin", ...headers },
        redirect: "manual",
      }),
    );
  }

  get #cookieHeader(): Record<string, string> {
    const pairs = [...this.cookies].map(([name, value]) => `${name}=${value}`);
    return pairs.length === 0 ? {} : { cookie: pairs.join("; ") };
  }

  async #ask(request: Request): Promise<Seen> {
    const response = await this.#answering(request);
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      this.cookies.set(name, value);
    }
    const location = response.headers.get("location") ?? undefined;
    return { status: response.status, location, page: await response.text(), headers: response.headers };
  }
}

/** Where a continue page leads. */
export function nextOf({ page }: Seen): string {
  return unescaped(/<a class="button" href="([^"]*)"/.exec(page)?.[1] ?? "");
}

function unescaped(text: string): string {
  return text
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&#x27;", "'")
    .replaceAll("&amp;", "&");
}

/** The address that the stand-in sends somebody back to who consents to an authorization request. */
export function consented(standin: Standin, authorizationUrl: string, email = "ada@example.com"): string {
  const query = new URL(authorizationUrl).searchParams;
  const wanted = (name: string): string => query.get(name) ?? assert.fail(`the request has no ${name}`);
  const code = standin.code({
    kind: "redirect",
    email,
    scope: wanted("scope"),
    redirectUri: wanted("redirect_uri"),
    nonce: wanted("nonce"),
    codeChallenge: wanted("code_challenge"),
    codeChallengeMethod: "S256",
    accessType: "offline",
    ...(query.get("prompt") === "consent" ? { prompt: "consent" } : {}),
  });
  return backWith(authorizationUrl, { code });
}

/** The address that a provider sends somebody back to. */
export function backWith(authorizationUrl: string, answer: Record<string, string>): string {
  const query = new URL(authorizationUrl).searchParams;
  const url = new URL(query.get("redirect_uri") ?? "");
  for (const [name, value] of Object.entries({ state: query.get("state") ?? "", ...answer }))
    url.searchParams.set(name, value);
  return url.href;
}

/** What an app's session keeps, and what it sends with a link. */
export function newVerifier(): { readonly codeVerifier: string; readonly codeChallenge: string } {
  const codeVerifier = randomBytes(32).toString("base64url");
  return { codeVerifier, codeChallenge: challengeOf(new Secret(codeVerifier)) };
}
