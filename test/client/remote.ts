/** A remote vault over a service of the test's own, with the requests that it sent. */
import type { TestContext } from "node:test";
import { fixedClock } from "../../src/index.ts";
import type { Clock, MovableClock } from "../../src/index.ts";
import { remoteVault } from "../../src/client/open-remote-vault.ts";
import type { RemoteVaultOptions } from "../../src/client/options.ts";
import type { RemoteVault } from "../../src/client/remote-vault.ts";

/** Something that was sent. */
export interface Sent {
  readonly method: string;
  /** Path and query at the service; a whole address anywhere else. */
  readonly path: string;
  readonly headers: Headers;
}

/** A remote vault, and what it sent. */
export interface Remote {
  readonly vault: RemoteVault;
  /** Everything that was sent so far. */
  readonly sent: readonly Sent[];
  /** What was sent since the last call, as `GET /v1/…`. */
  newRequests(): readonly string[];
  /** How long it has slept between tries, milliseconds each. */
  readonly sleeps: readonly number[];
}

/** Answers a request in the service's place; undefined: the service answers. */
export type Instead = (path: string, init: RequestInit) => Promise<Response> | Response | undefined;

/**
 * @param instead what answers in the service's place
 * @param onSleep called with each wait, which then is over; without it a wait takes no time
 */
export async function remote(
  t: TestContext,
  options: RemoteVaultOptions & { readonly clock?: Clock },
  {
    instead,
    onSleep,
    ticks = () => 0,
  }: { instead?: Instead; onSleep?: (ms: number) => void; ticks?: () => number } = {},
): Promise<Remote> {
  const sent: Sent[] = [];
  const sleeps: number[] = [];
  const base = new URL(options.url).href.replace(/\/+$/, "");
  let seen = 0;
  const send: typeof fetch = async (input, init = {}) => {
    const { href } = new URL(input instanceof Request ? input.url : input);
    const path = href.startsWith(base) ? href.slice(base.length) : href;
    sent.push({ method: init.method ?? "GET", path, headers: new Headers(init.headers) });
    return (await instead?.(path, init)) ?? fetch(input, init);
  };
  const vault = await remoteVault(
    { fetch: send, ...options },
    {
      ticks,
      random: () => 0.5,
      sleep: async (ms) => {
        sleeps.push(ms);
        onSleep?.(ms);
      },
    },
  );
  t.after(() => vault.close());
  return {
    vault,
    sent,
    sleeps,
    newRequests() {
      const fresh = sent.slice(seen).map(({ method, path }) => `${method} ${path}`);
      seen = sent.length;
      return fresh;
    },
  };
}

export const fakedUrl = "https://vault.example/mounted/";
export const fakedKey = `obk_${"0".repeat(16)}_${"1".repeat(64)}_${"2".repeat(8)}`;

/** A token answer: what the service says of a token that it has just got, which lives an hour. */
export function tokenAnswer(clock: MovableClock, members: object = {}): Response {
  const now = clock.now();
  return Response.json({
    access_token: "ya29.first",
    token_type: "Bearer",
    scope: "openid email",
    expires_at: Math.floor(now / 1_000) + 3_600,
    refresh_at: new Date(now + 3_060_000).toISOString(),
    grant_id: "g_1",
    provider: "google",
    generation: 1,
    expires_in: 3_600,
    ...members,
  });
}

export function problem(
  status: number,
  error: string,
  more: object = {},
  headers: Record<string, string> = {},
): Response {
  return new Response(JSON.stringify({ error, error_description: error, hint: "do", ...more }), {
    status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}

export interface Faked extends Remote {
  readonly clock: MovableClock;
  /** What comes in place of the service's next answers, again and again. */
  answer: Instead;
}

/** A remote vault of a service that answers what the test says. */
export async function faked(t: TestContext, options: Partial<RemoteVaultOptions> = {}): Promise<Faked> {
  const clock = fixedClock("2026-11-22T00:00:00Z");
  const parts: { answer: Instead } = { answer: () => tokenAnswer(clock) };
  const made = await remote(
    t,
    { url: fakedUrl, key: fakedKey, clock, ...options },
    {
      instead: (path, init) => parts.answer(path, init),
      onSleep: (ms) => clock.advance(ms),
    },
  );
  return Object.assign(parts, made, { clock });
}

export const away: Instead = () => {
  throw Object.assign(new TypeError("fetch failed"), {
    cause: Object.assign(new Error("x"), { code: "ECONNREFUSED" }),
  });
};
