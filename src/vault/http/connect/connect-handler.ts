/**
 * connect/ is the person's side of connect links, and what the app asks of them. Here: the addresses that a browser opens, and
 * which page or redirect each answers. What the pages look like is in pages/.
 */
import type { Provider } from "../../../providers/provider.ts";
import { openedLink } from "../../../core/connect.ts";
import { defined } from "../../../core/defined.ts";
import { isOnbehalfError } from "../../../core/errors.ts";
import { withResult } from "../../../core/return-url.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import { actingAs } from "../../context.ts";
import { formOf } from "../parameters.ts";
import { readParameters } from "../request-body.ts";
import { newFlow } from "./authorization-request.ts";
import { takeAnswer } from "./callback.ts";
import type { Result } from "./callback.ts";
import { cookieFor, cookieOf } from "./cookie.ts";
import type { BrowserCookie } from "./cookie.ts";
import {
  browserHash,
  formToken,
  isSame,
  linkById,
  linkByState,
  principalOf,
  returnCodeOf,
  sealFlow,
  stateHash,
} from "./link.ts";
import type { Flow, Link } from "./link.ts";
import { stateOf } from "./finish-connect.ts";
import { outcomeOf } from "./outcome-of.ts";
import { confirmPage, continuePage, languageOf, outcomePage, outcomeStatus, pageHeaders } from "./pages/index.ts";
import type { Language, Outcome } from "./pages/index.ts";
import type { ConnectParts } from "./parts.ts";
import type { ConnectSite } from "./site.ts";

/** A web-standard request handler, to be mounted at `GET` and `POST` of all beneath `baseUrl`. It never throws. */
export type ConnectHandler = (request: Request) => Promise<Response>;

/** How many answers of providers one handler has under way: each may wait for half a minute. More are refused at once. */
const mostUnderWay = 200;

/** Makes the handler of the person's side. @param siteFor where links lead, by the request */
export function connectHandler(
  parts: ConnectParts,
  siteFor: (request: Request) => ConnectSite | undefined,
  onFault: (error: unknown) => void,
): ConnectHandler {
  const { context } = parts;
  const { keyring, store } = context;
  let underWay = 0;

  return async (request) => {
    const language = languageOf(headersOf(request).get("accept-language"));
    try {
      return await answer(request, language);
    } catch (error) {
      if (!isOnbehalfError(error)) onFault(error);
      const isWrong = isOnbehalfError(error, "invalid_request") || isOnbehalfError(error, "request_too_large");
      return page(language, "failed", isWrong ? 400 : 503);
    }
  };

  async function answer(request: Request, language: Language): Promise<Response> {
    const site = siteFor(request);
    const { pathname, search } = new URL(request.url);
    const id = pathname.split("/").at(-1) ?? "";
    const { method } = request;
    if (site === undefined) return page(language, "unknown");
    if (method !== "GET" && method !== "HEAD" && !(method === "POST" && isLink(id))) {
      return new Response(null, {
        status: 405,
        headers: { ...pageHeaders(), allow: isLink(id) ? "GET, POST" : "GET" },
      });
    }
    // Whoever only looks ahead must not use up the link: a browser that prefetches, or a program that shows where it leads.
    if (method === "HEAD" || isAhead(request))
      return new Response(null, { status: method === "HEAD" ? 200 : 503, headers: pageHeaders() });
    if (id === "callback") return callback(request, site, language, search);
    if (id === "done") return done(language, search);
    const link = await linkById(context, id);
    if (link === undefined) return page(language, "unknown");
    return method === "POST" ? decide(request, site, language, link) : open(request, site, language, link);
  }

  /** GET of a link. */
  async function open(request: Request, site: ConnectSite, language: Language, link: Link): Promise<Response> {
    const known = cookieOf(request, site.baseUrl);
    const opened = openedLink(link.status, openingOf(link.flow, known));
    if (opened !== "begin") return page(language, opened);
    const cookie = cookieFor(known, site.baseUrl);
    if (link.asked.challenge !== undefined) return goOn(site, language, link, cookie, redirectTo);
    const { asked } = link;
    const protocol = protocolFor(link);
    const html = confirmPage({
      language,
      appName: asked.appName,
      providerName: spokenName(protocol.provider),
      userLabel: asked.userLabel ?? asked.externalId,
      scopes: asked.scopes ?? protocol.provider.scopes ?? [],
      actionUrl: `${site.baseUrl}/${asked.connectId}`,
      csrf: formToken(keyring, cookie.value, asked.connectId),
      isAgain: asked.subject !== undefined,
      ...defined({ accountHint: asked.loginHint }),
    });
    return new Response(html, {
      headers: { ...pageHeaders({ language, formTargets: [asked.returnUrl] }), "set-cookie": cookie.header },
    });
  }

  /** POST of the page's form. */
  async function decide(request: Request, site: ConnectSite, language: Language, link: Link): Promise<Response> {
    const parameters = await readParameters(request);
    const known = cookieOf(request, site.baseUrl);
    const opened = openedLink(link.status, openingOf(link.flow, known));
    if (opened !== "begin") return page(language, opened);
    const { asked, row } = link;
    const token = parameters.get("csrf") ?? "";
    // Another site's page has neither the cookie nor what was made of it; the headers say the same once more.
    const isOwn =
      known !== undefined && isSame(token, formToken(keyring, known, asked.connectId)) && !isForeign(request);
    if (!isOwn || asked.challenge !== undefined) return page(language, "other_browser");
    if (parameters.get("decision") === "cancel") {
      const { connectHash } = row;
      const about = asked.grantId ?? null;
      await actingFor(link, () => store.endConnect(connectHash, context.clock.now(), "access_denied", about));
      return backByPage(language, link, { status: "error", error: "access_denied" });
    }
    return goOn(
      site,
      language,
      link,
      cookieFor(known, site.baseUrl),
      (url, headers) =>
        new Response(continuePage({ language, providerName: spokenName(protocolFor(link).provider), url }), {
          headers: { ...pageHeaders({ language }), ...headers },
        }),
    );
  }

  /** Binds the link to this browser, and leads on to the provider. */
  async function goOn(
    site: ConnectSite,
    language: Language,
    link: Link,
    cookie: BrowserCookie,
    leadTo: (url: string, headers: Record<string, string>) => Response,
  ): Promise<Response> {
    const { asked, row, flow } = link;
    // The same browser starts over: with what it was sent with before, so that both of its tabs can come back.
    if (flow !== undefined) return leadTo(flow.url, { "set-cookie": cookie.header });
    let begun: Flow;
    try {
      const facts = await parts.keeper.authorization(asked.provider);
      begun = await newFlow(context, protocolFor(link).provider, facts, asked, {
        browser: browserHash(keyring, cookie.value),
        redirectUri: `${site.baseUrl}/callback`,
      });
    } catch (error) {
      // Nothing has begun: the link may be opened again.
      if (isOnbehalfError(error)) return back(language, link, { status: "error", error: error.code });
      throw error;
    }
    const after = { flowSealed: sealFlow(keyring, row.connectHash, begun), stateHash: stateHash(keyring, begun.state) };
    const isBegun = await actingFor(link, () => store.moveConnect(row.connectHash, null, after, asked.grantId));
    if (isBegun) return leadTo(begun.url, { "set-cookie": cookie.header });
    const now = await linkById(context, asked.connectId);
    if (now === undefined) return page(language, "unknown");
    const opened = openedLink(now.status, openingOf(now.flow, cookie.value));
    if (opened !== "begin" || now.flow === undefined) return page(language, opened === "begin" ? "unknown" : opened);
    return leadTo(now.flow.url, { "set-cookie": cookie.header });
  }

  /** The provider's redirect. */
  async function callback(request: Request, site: ConnectSite, language: Language, search: string): Promise<Response> {
    const query = formOf(search);
    const link = await linkByState(context, query.get("state") ?? "");
    if (link?.flow === undefined) return page(language, "unknown");
    const known = cookieOf(request, site.baseUrl);
    // A code that somebody else has brought here would connect that one's account, or this one's with theirs.
    if (known === undefined || !isSame(browserHash(keyring, known), link.flow.browser))
      return page(language, "other_browser");
    if (link.status === "expired") return page(language, "expired");
    if (underWay >= mostUnderWay) return back(language, link, { status: "error", error: "provider_unavailable" });
    underWay += 1;
    const { flow } = link;
    try {
      const answer = { code: query.get("code"), error: query.get("error"), iss: query.get("iss") };
      const result = await actingFor(link, () => takeAnswer(parts, protocolFor(link), { ...link, flow }, answer));
      return back(language, link, proved(link, result));
    } finally {
      underWay -= 1;
    }
  }

  /** Our own page for people who come from no app. What stands in the address could be anybody's words: the link says how it ended. */
  async function done(language: Language, search: string): Promise<Response> {
    const link = await linkById(context, formOf(search).get("connect_id") ?? "");
    if (link === undefined) return page(language, "unknown");
    const { status, error } = await stateOf(parts, link);
    const outcome = outcomeOf(status, error);
    const detail = outcome === "failed" ? error : undefined;
    return new Response(outcomePage({ language, outcome, ...defined({ detail }) }), {
      headers: pageHeaders({ language }),
    });
  }

  /** How a link ended, with what proves to the app that this browser has come back. */
  function proved({ asked }: Link, result: Result): Result {
    if (result.status !== "pending" || asked.returnCodeRequired !== true) return result;
    return { ...result, returnCode: returnCodeOf(keyring, asked.connectId).expose() };
  }

  function openingOf(flow: Flow | undefined, known: string | undefined): Parameters<typeof openedLink>[1] {
    return {
      isBegun: flow !== undefined,
      isSameBrowser: flow !== undefined && known !== undefined && isSame(browserHash(keyring, known), flow.browser),
    };
  }

  function protocolFor({ asked }: Link): Protocol {
    const protocol = context.protocols.get(asked.provider);
    if (protocol === undefined) throw new TypeError(`the provider ${asked.provider} of a link is not configured here`);
    return protocol;
  }

  function actingFor<T>({ asked }: Link, work: () => T): T {
    return actingAs(principalOf(asked), work);
  }
}

/** Sends the person back to the app. With a redirect, so that what the provider's address held stays in no history. */
function back(language: Language, { asked }: Link, { status, error, returnCode }: Result): Response {
  const { returnUrl, connectId } = asked;
  const result = {
    connect_id: connectId,
    status,
    ...(error === undefined ? {} : { error }),
    ...(returnCode === undefined ? {} : { return_code: returnCode }),
  };
  const response = redirectTo(withResult(returnUrl, result), {});
  // What a browser shows that does not follow it, as where an app's own scheme is not there.
  const outcome = status === "error" ? outcomeOf("failed", error) : "connected";
  return new Response(outcomePage({ language, outcome }), {
    status: 303,
    headers: { ...pageHeaders({ language }), location: response.headers.get("location") ?? "" },
  });
}

/** The same as the answer to a form. A browser would cut off what the app's own address redirects to. */
function backByPage(language: Language, link: Link, result: Result): Response {
  const backUrl = back(language, link, result).headers.get("location") ?? "";
  const outcome = outcomeOf("failed", result.error);
  return new Response(outcomePage({ language, outcome, backUrl, goesBack: true }), {
    headers: pageHeaders({ language }),
  });
}

function redirectTo(url: string, headers: Record<string, string>): Response {
  return new Response(null, {
    status: 303,
    headers: { location: url, "cache-control": "no-store", "referrer-policy": "no-referrer", ...headers },
  });
}

function page(language: Language, outcome: Outcome, status: number = outcomeStatus[outcome]): Response {
  return new Response(outcomePage({ language, outcome }), { status, headers: pageHeaders({ language }) });
}

function headersOf({ headers }: Request): Headers {
  return headers;
}

/** Whether a browser loads an address before anybody has asked for it. */
function isAhead({ headers }: Request): boolean {
  return /prefetch|preview|prerender/i.test(`${headers.get("sec-purpose") ?? ""} ${headers.get("purpose") ?? ""}`);
}

/** Whether another site's page has sent a form. */
function isForeign({ headers, url }: Request): boolean {
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site !== "same-origin";
  const origin = headers.get("origin");
  return origin !== null && origin !== "null" && origin !== new URL(url).origin;
}

function isLink(id: string): boolean {
  return id !== "callback" && id !== "done";
}

/** What people call a provider. */
function spokenName({ displayName, name }: Provider): string {
  return displayName ?? name;
}
