/** An app as its developer would build it on connect links: people sign in to it, and connect accounts from there. */
import { createHash, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a link of the app asks for, besides whose it is and where it leads back to. */
export type LinkOptions = Readonly<Record<string, unknown>>;

export interface ConnectApp {
  readonly url: string;
  /** Where links lead back to. */
  readonly returnUrl: string;
  /** What the next links ask for. */
  link: LinkOptions;
  /** Whether the app leads people to the links that it makes; otherwise it says only that it has made one. */
  leads: boolean;
  /** Whether the app keeps a verifier in the person's session, and gives links its challenge. */
  proves: boolean;
  /** What the service said when the app made its last link. */
  lastLink: { readonly connect_id: string; readonly url: string };
  /** The verifier of each link that was made. */
  readonly verifiers: Map<string, string>;
  /** Addresses that people came back to, with their query. */
  readonly returns: URL[];
  close(): Promise<void>;
}

interface Session {
  readonly user: string;
  readonly verifiers: Map<string, string>;
}

/** @param ask asks the service, as the app's backend does with its caller key */
export async function startConnectApp(
  ask: (path: string, body: Record<string, unknown>) => Promise<Response>,
): Promise<ConnectApp> {
  const sessions = new Map<string, Session>();
  const server: Server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => page(response, 500, "broken", String(error)));
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", app.url);
    const session = sessions.get(/\bapp_session=(\w+)/.exec(request.headers.cookie ?? "")?.[1] ?? "");
    if (url.pathname === "/login") signIn(url, response);
    else if (url.pathname === "/connect" && session !== undefined) await begin(session, response);
    else if (url.pathname === "/back") await back(url, session, response);
    else page(response, 200, "app", `<a id="connect" href="/connect">Connect</a>`);
  }

  function signIn(url: URL, response: ServerResponse): void {
    const id = randomBytes(16).toString("hex");
    sessions.set(id, { user: url.searchParams.get("user") ?? "", verifiers: new Map() });
    response.setHeader("set-cookie", `app_session=${id}; HttpOnly; SameSite=Lax; Path=/`);
    page(response, 200, "signed in", `<a id="connect" href="/connect">Connect</a>`);
  }

  async function begin(session: Session, response: ServerResponse): Promise<void> {
    const verifier = randomBytes(32).toString("base64url");
    const challenge = createHash("sha256").update(verifier).digest("base64url");
    const answered = await ask("/v1/connect", {
      provider: "google",
      external_id: session.user,
      return_url: app.returnUrl,
      ...(app.proves ? { code_challenge: challenge, code_challenge_method: "S256" } : {}),
      ...app.link,
    });
    const made = (await answered.json()) as ConnectApp["lastLink"];
    if (!answered.ok) {
      page(response, 502, "no link", JSON.stringify(made));
      return;
    }
    app.lastLink = made;
    if (app.proves) {
      session.verifiers.set(made.connect_id, verifier);
      app.verifiers.set(made.connect_id, verifier);
    }
    if (app.leads) response.writeHead(303, { location: made.url }).end();
    else page(response, 200, "link made", "");
  }

  /** The heart of it: only the session that began a link has its verifier, and each link is finished with its own. */
  async function back(url: URL, session: Session | undefined, response: ServerResponse): Promise<void> {
    app.returns.push(url);
    const { connect_id: id = "", status, ...more } = Object.fromEntries(url.searchParams);
    if (status !== "pending") {
      page(response, 200, `came back: ${String(status)} ${more["error"] ?? ""}`.trim(), "");
      return;
    }
    const verifier = session?.verifiers.get(id);
    if (verifier === undefined) {
      page(response, 403, "not begun here", "");
      return;
    }
    const { return_code: code } = more;
    const finished = await ask(`/v1/connect/${id}/finish`, {
      code_verifier: verifier,
      ...(code === undefined ? {} : { return_code: code }),
    });
    const said = (await finished.json()) as { readonly grant_id?: string; readonly error?: string };
    page(response, 200, finished.ok ? "connected" : `refused: ${String(said.error)}`, said.grant_id ?? "");
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const app: ConnectApp = {
    url,
    returnUrl: `${url}/back`,
    link: {},
    leads: true,
    proves: true,
    lastLink: { connect_id: "", url: "" },
    verifiers: new Map(),
    returns: [],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return app;
}

function page(response: ServerResponse, status: number, title: string, body: string): void {
  response.writeHead(status, { "content-type": "text/html" });
  response.end(
    `<!doctype html><html lang="en"><title>${title.replaceAll(/[<&]/g, "")}</title><main>${body}</main></html>`,
  );
}
