/**
 * The page that a person is sent to by an elicitation. It leads on to the provider only whom the link was made for: whoever else
 * opens it would give their account to somebody else's agent, or somebody else's account to theirs.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation#phishing
 */
import type { Clock } from "../core/clock.ts";
import { defined } from "../core/defined.ts";
import { isOnbehalfError } from "../core/errors.ts";
import { languageOf, outcomePage, outcomeStatus, pageHeaders } from "../vault/http/connect/pages/index.ts";
import type { Outcome } from "../vault/http/connect/pages/index.ts";
import type { GrantVault, SignedIn } from "./require-grant-options.ts";
import type { LinkContent, LinkSealer } from "./sealed-link.ts";

/** What the page works on. */
export interface ConnectPageParts {
  readonly vault: GrantVault;
  readonly clock: Clock;
  readonly sealer: LinkSealer;
  readonly pageUrl: string;
  readonly signedIn: SignedIn;
  readonly onFault: (error: unknown) => void;
  /** Told when the person of a link has connected. */
  readonly connected: (content: LinkContent) => Promise<void>;
}

/** A web-standard handler. The second argument says what a server knows besides the request, as `toNode` does. */
export type ConnectPage = (request: Request, context?: { readonly incoming?: unknown }) => Promise<Response>;

/** How often one link may be begun: whoever reloads it makes a new row in the store each time. */
const mostBegun = 20;
/** Links whose beginnings are counted. */
const mostCounted = 10_000;

/** Makes the page. It never throws. */
export function connectPage(parts: ConnectPageParts): ConnectPage {
  const { vault, clock, sealer, onFault } = parts;
  const begun = new Map<string, number>();

  return async (request, context = {}) => {
    try {
      return await answer(request, context);
    } catch (error) {
      if (error instanceof Response) return error;
      onFault(error);
      return page(request, "failed");
    }
  };

  async function answer(request: Request, context: { readonly incoming?: unknown }): Promise<Response> {
    const { method, headers } = request;
    if (method !== "GET" && method !== "HEAD") {
      return new Response(null, { status: 405, headers: { ...pageHeaders(), allow: "GET" } });
    }
    // Whoever only looks ahead must begin nothing: a browser that prefetches, or a program that shows where a link leads.
    const isAhead = /prefetch|preview|prerender/i.test(
      `${headers.get("sec-purpose") ?? ""} ${headers.get("purpose") ?? ""}`,
    );
    if (method === "HEAD" || isAhead)
      return new Response(null, { status: method === "HEAD" ? 200 : 503, headers: pageHeaders() });
    const { pathname, searchParams } = new URL(request.url);
    const segment = pathname.split("/").at(-1) ?? "";
    const content = sealer.open(segment);
    if (content === undefined) return page(request, "unknown");
    const person = await parts.signedIn(request, context);
    if (person instanceof Response) return person;
    if (typeof person !== "string" || person === "") return page(request, "sign_in");
    if (person !== content.externalId) return page(request, "other_person");
    const connectId = searchParams.get("connect_id");
    if (connectId !== null) return back(request, content, connectId, searchParams);
    if (content.expiresAt <= clock.now()) return page(request, "expired");
    return begin(request, content, `${parts.pageUrl}/${segment}`);
  }

  /** Sends the person on, by a link of the vault that only this elicitation's verifier and this browser finish. */
  async function begin(request: Request, content: LinkContent, returnUrl: string): Promise<Response> {
    const count = begun.get(content.id) ?? 0;
    if (count >= mostBegun) return page(request, "used");
    begun.delete(content.id);
    begun.set(content.id, count + 1);
    if (begun.size > mostCounted) begun.delete(begun.keys().next().value ?? "");
    const { externalId, provider, scopes } = content;
    const { url } = await vault.beginConnect({
      externalId,
      returnUrl,
      codeChallenge: sealer.challenge(content),
      returnCodeRequired: true,
      ...defined({ provider, scopes }),
      ...(await accountOf(content)),
    });
    return new Response(null, {
      status: 303,
      headers: { location: url, "cache-control": "no-store", "referrer-policy": "no-referrer" },
    });
  }

  /**
   * The account that the person has connected before, so that the provider offers that one, and the vault takes no other beside
   * it: with two, nobody could say which of them a tool means. One that is over may be exchanged for another.
   */
  async function accountOf({ externalId, provider, account }: LinkContent): Promise<object> {
    try {
      const held = await vault.grant({ externalId, ...defined({ provider, account }) });
      const isUsable = held.state === "active" || held.state === "suspect";
      return defined({ loginHint: held.profile?.email, account: account ?? (isUsable ? held.account : undefined) });
    } catch (error) {
      if (isOnbehalfError(error)) return defined({ account });
      throw error;
    }
  }

  /** The person is back from the provider. */
  async function back(
    request: Request,
    content: LinkContent,
    connectId: string,
    query: URLSearchParams,
  ): Promise<Response> {
    if (query.get("status") === "error") {
      return page(request, query.get("error") === "access_denied" ? "denied" : "failed", 200);
    }
    try {
      await vault.finishConnect(connectId, {
        codeVerifier: sealer.verifier(content),
        returnCode: query.get("return_code") ?? "",
      });
    } catch (error) {
      const outcome = isOnbehalfError(error) ? outcomes[error.code] : undefined;
      if (outcome === undefined) throw error;
      return page(request, outcome);
    }
    await parts.connected(content);
    return page(request, "connected");
  }
}

/** What an error of finishing a link is to its person. Any other is a fault. */
const outcomes: Readonly<Record<string, Outcome>> = {
  connect_expired: "expired",
  connect_not_found: "unknown",
  connect_waiting: "unknown",
  connect_failed: "failed",
  external_id_conflict: "other_account",
  // Somebody has sent them the end of another sign-in.
  verifier_mismatch: "other_browser",
  invalid_request: "unknown",
};

function page({ headers }: Request, outcome: Outcome, status: number = outcomeStatus[outcome]): Response {
  const language = languageOf(headers.get("accept-language"));
  return new Response(outcomePage({ language, outcome }), { status, headers: pageHeaders({ language }) });
}
