/** A site as a developer would serve it: a page, our client's files, and an `/authcode` that writes down what it is sent. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { readFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import type { AddressInfo } from "node:net";

/** What arrived at `/authcode`. */
export interface Posted {
  readonly method: string;
  readonly contentType: string;
  readonly requestedWith: string | undefined;
  readonly form: Record<string, string>;
}

/** What `/authcode` answers next; `cut` ends the connection in the middle of the body, `drop` before any of it. */
export interface Reply {
  readonly status?: number;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly fail?: "drop" | "cut";
}

export interface Site extends AsyncDisposable {
  readonly url: string;
  readonly posted: Posted[];
  /** Requests for pages, with their query: what a browser would have leaked into a log. */
  readonly visited: string[];
  /** The next replies, in order; after them what `handler` says, or a plain sign-in where there is none. */
  readonly replies: Reply[];
  /** The real thing in place of canned replies. A reply that fails loses its answer on the way. */
  handler: ((request: Request) => Promise<Response>) | undefined;
  /** The page's inline module, run at `/`. */
  script: string;
  close(): Promise<void>;
}

export const ada = {
  sub: "1001",
  email: "ada@example.com",
  email_verified: true,
  name: "Ada Lovelace",
  grant_id: "g_1",
  scope: "openid https://www.googleapis.com/auth/userinfo.email",
  offline: true,
  sign_in_assertion: "eyJ.a.b",
};

const sources = new URL("../../src/browser/", import.meta.url);

export async function startSite(): Promise<Site> {
  const posted: Posted[] = [];
  const visited: string[] = [];
  const replies: Reply[] = [];
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", "http://site");
    if (pathname === "/authcode") {
      const body = await bodyOf(request);
      posted.push(postedFrom(request, body));
      reply(response, await answerTo(request, body));
    } else if (pathname.startsWith("/onbehalf/")) {
      const source = await readFile(new URL(pathname.slice("/onbehalf/".length), sources), "utf8");
      response.writeHead(200, { "Content-Type": "text/javascript" }).end(stripTypeScriptTypes(source));
    } else {
      visited.push(request.url ?? "");
      response.writeHead(200, { "Content-Type": "text/html" }).end(page(site.script));
    }
  }
  async function answerTo(request: IncomingMessage, body: string): Promise<Reply> {
    const planned = replies.shift() ?? {};
    if (site.handler === undefined) return planned;
    const headers = new Headers();
    for (const [name, value] of Object.entries(request.headers)) headers.set(name, String(value));
    const answer = await site.handler(new Request(`${site.url}/authcode`, { method: "POST", headers, body }));
    return { status: answer.status, body: await answer.text(), ...planned };
  }
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  const site: Site = {
    // A name, not a number: browsers open popups and hash for localhost as they do for https.
    url: `http://localhost:${String((server.address() as AddressInfo).port)}`,
    posted,
    visited,
    replies,
    handler: undefined,
    script: "",
    close,
    [Symbol.asyncDispose]: close,
  };
  return site;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function postedFrom(request: IncomingMessage, body: string): Posted {
  return {
    method: request.method ?? "",
    contentType: request.headers["content-type"] ?? "",
    requestedWith: request.headers["x-requested-with"] as string | undefined,
    form: Object.fromEntries(new URLSearchParams(body)),
  };
}

function reply(response: ServerResponse, { status = 200, body, headers = {}, fail }: Reply): void {
  if (fail === "drop") {
    response.destroy();
    return;
  }
  const text = typeof body === "string" ? body : JSON.stringify(body ?? ada);
  response.writeHead(status, {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(text),
    ...headers,
  });
  if (fail === "cut") {
    response.write(text.slice(0, 5), () => response.destroy());
    return;
  }
  response.end(text);
}

function page(script: string): string {
  return `<!doctype html><meta charset="utf-8"><title>App</title>
<script type="importmap">{"imports": {"onbehalf/browser": "/onbehalf/index.ts"}}</script>
<button id="connect">Connect</button><p id="said"></p>
<script type="module">${script}</script>`;
}
