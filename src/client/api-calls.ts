/**
 * Calls to APIs in a person's name: with a token that is sent from here, or, for a key that may see none, through the service's proxy.
 */
import { apiTarget, apiUrl, assertPassedOn, assertSendable, isRepeatable } from "../core/api-request.ts";
import type { ApiPlaces } from "../core/api-request.ts";
import { defined } from "../core/defined.ts";
import { OnbehalfError, isOnbehalfError } from "../core/errors.ts";
import type { GrantRef } from "../core/grant.ts";
import { SingleFlight } from "../core/single-flight.ts";
import type { AccessToken, Provider } from "../index.ts";
import { refusesToken, withoutRefresh } from "../vault/tokens/token-refusal.ts";
import type { Moment, Stopwatch } from "./elapsed.ts";
import { Members, Misread } from "./members.ts";
import { grantPath } from "./paths.ts";
import { digestOf } from "./remote-tokens.ts";
import type { RemoteTokens } from "./remote-tokens.ts";
import type { Sending, ServiceLine } from "./service-line.ts";
import { didNotAnswer } from "./service-line.ts";
import { errorOf } from "./service-error.ts";

/** What of a provider's record counts for a call. */
type Places = ApiPlaces & Pick<Provider, "tokenRefusals">;

/** After how long the service is asked again where tokens may be sent, milliseconds. */
const placesAgeMs = 600_000;

/** What calls are made with. */
export interface ApiCallParts {
  readonly url: string;
  readonly fetch: typeof fetch;
  readonly line: ServiceLine;
  readonly tokens: RemoteTokens;
  readonly sending: Sending;
  readonly stopwatch: Stopwatch;
  /** Which grant a reference means. */
  readonly idOf: (ref: GrantRef) => Promise<string>;
}

/** Calls APIs. */
export class ApiCalls {
  readonly #parts: ApiCallParts;
  readonly #reading = new SingleFlight<"places", ReadonlyMap<string, Places>>();
  #places: { readonly byProvider: ReadonlyMap<string, Places>; readonly readAt: Moment } | undefined;
  /** Whether the key has shown that it may see no token. */
  #usesProxy = false;

  constructor(parts: ApiCallParts) {
    this.#parts = parts;
  }

  /** Forgets what was learned about the key and what it may see. */
  reset(): void {
    this.#usesProxy = false;
    this.#places = undefined;
  }

  /** See `RemoteVault.fetch`. */
  async fetch(ref: GrantRef, input: string | URL, given: RequestInit = {}): Promise<Response> {
    const url = apiUrl(input);
    assertSendable(given);
    assertPassedOn(given.headers);
    const token = await this.#tokenFor(ref, given.signal ?? undefined);
    return token === undefined ? this.#throughProxy(ref, url, given) : this.#direct(ref, url, given, token);
  }

  /** @returns undefined where the key may see no token */
  async #tokenFor(ref: GrantRef, signal: AbortSignal | undefined): Promise<AccessToken | undefined> {
    if (this.#usesProxy) return undefined;
    try {
      return await this.#parts.tokens.get(ref, signal === undefined ? {} : { signal });
    } catch (error) {
      if (!isOnbehalfError(error, "forbidden") || error.details.permission !== "token") throw error;
      this.#usesProxy = true;
      return undefined;
    }
  }

  async #direct(ref: GrantRef, url: URL, init: RequestInit, token: AccessToken): Promise<Response> {
    const places = await this.#placesOf(token.issue.provider);
    const target = apiTarget(url, places);
    const response = await this.#send(target, init, token.token);
    if (!(await isRefused(response, places)) || !isRepeatable(init.body)) return response;
    const refused = await digestOf(token.token);
    const signal = init.signal ?? undefined;
    try {
      const next = await this.#parts.tokens.get(ref, { refused, ...(signal === undefined ? {} : { signal }) });
      response.body?.cancel().catch(() => undefined);
      return await this.#send(target, init, next.token);
    } catch (error) {
      // There is no other token now, and nothing is known of the grant: the API's own answer says most.
      if (!isOnbehalfError(error) || error.status < 500) throw error;
      return withoutRefresh(response, "retryAfterMs" in error.details ? error.details.retryAfterMs : 0);
    }
  }

  #send(target: URL, init: RequestInit, token: string): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${token}`);
    // A redirect would take the token to whatever host the answer names.
    return this.#parts.fetch(target, { ...duplex(init), headers, redirect: "manual" });
  }

  /** @throws {OnbehalfError} `host_not_allowed`: the service does not name the provider any more */
  async #placesOf(provider: string): Promise<Places> {
    const known = this.#places;
    const isOld = known === undefined || this.#parts.stopwatch.since(known.readAt) > placesAgeMs;
    const place = known?.byProvider.get(provider);
    if (place !== undefined && !isOld) return place;
    try {
      const byProvider = await this.#reading.do("places", () => this.#readPlaces(place === undefined));
      this.#places = { byProvider, readAt: this.#parts.stopwatch.now() };
    } catch (error) {
      // What was allowed a while ago is better than a call that fails because the service is away.
      if (place !== undefined && isOnbehalfError(error) && error.status >= 500) return place;
      throw error;
    }
    const found = this.#places.byProvider.get(provider);
    if (found !== undefined) return found;
    throw new OnbehalfError("host_not_allowed", `nobody says where tokens of ${provider} may be sent`, {
      hint: "check that the provider is configured at the service",
      details: { host: "", allowed: [] },
    });
  }

  /** @param isNeeded whether there is nothing to go on with */
  #readPlaces(isNeeded: boolean): Promise<ReadonlyMap<string, Places>> {
    const { line, sending } = this.#parts;
    const how = isNeeded ? sending : { ...sending, patienceMs: 0 };
    return line.ask({ method: "GET", path: "/v1/providers" }, ({ body }) => placesIn(body), how);
  }

  /** The service adds the token. What it answers itself is an error; everything else is the API's answer. */
  async #throughProxy(ref: GrantRef, url: URL, init: RequestInit): Promise<Response> {
    // The service allows the hosts; what it could not be told in an address is refused here.
    apiTarget(url, { apiHosts: [url.hostname] });
    const isSettled = typeof ref !== "string" && !("grantId" in ref) && (ref.provider ?? ref.account) !== undefined;
    const named: GrantRef = isSettled ? { grantId: await this.#parts.idOf(ref) } : ref;
    const address = `${this.#parts.url}${grantPath(named, `/proxy/${url.host}${url.pathname}`)}${url.search}`;
    const { key: keys } = this.#parts.line;
    let key = await keys.current();
    for (;;) {
      const headers = new Headers(init.headers);
      headers.set("authorization", `Bearer ${key.expose()}`);
      let response: Response;
      try {
        response = await this.#parts.fetch(address, { ...duplex(init), headers, redirect: "manual" });
      } catch (cause) {
        init.signal?.throwIfAborted();
        throw didNotAnswer("the request through its proxy failed", 0, cause);
      }
      const { error, answer } = await ownError(response);
      if (error === undefined) return answer;
      const next = error.code === "unauthorized" && isRepeatable(init.body) ? await keys.after(key) : undefined;
      if (next === undefined) throw error;
      key = next;
    }
  }
}

/** A `fetch` wants to be told that a streamed body goes while the answer comes. */
function duplex(init: RequestInit): RequestInit & { duplex?: "half" } {
  return isRepeatable(init.body) ? init : { ...init, duplex: "half" };
}

function isRefused(response: Response, places: Places): Promise<boolean> {
  return refusesToken(response, places);
}

/**
 * An error of the service itself in the place of an API's answer. Its problem details lead to its own page of errors.
 */
async function ownError(response: Response): Promise<{ error?: OnbehalfError; answer: Response }> {
  const { status, headers } = response;
  if (status < 400 || !/^application\/problem\+json\b/i.test(headers.get("content-type") ?? "")) {
    return { answer: response };
  }
  const text = await response.text();
  const answer = new Response(text, { status, headers });
  try {
    const body = JSON.parse(text) as { readonly error?: unknown; readonly error_uri?: unknown };
    if (typeof body.error_uri !== "string" || !body.error_uri.endsWith(`/docs/errors.md#${String(body.error)}`)) {
      return { answer };
    }
    const retryAfter = Number(headers.get("retry-after") ?? 0);
    const context = {
      status,
      retryAfterMs: Number.isNaN(retryAfter) ? 0 : retryAfter * 1_000,
      requestId: "",
      at: new Date(0),
    };
    const error = errorOf(body, context);
    return error === undefined ? { answer } : { error, answer };
  } catch {
    return { answer };
  }
}

/** @throws {Misread} */
function placesIn(body: unknown): ReadonlyMap<string, Places> {
  return new Map(
    new Members(body).list("providers").map((each) => {
      const provider = new Members(each);
      return [provider.text("name"), placesOf(provider)] as const;
    }),
  );
}

/** @throws {Misread} */
function placesOf(provider: Members): Places {
  const apiBaseUrl = provider.textOr("api_base_url");
  if (apiBaseUrl !== undefined && !URL.canParse(apiBaseUrl)) throw new Misread("its api_base_url is no URL");
  const tokenRefusals = provider.list("token_refusals").map((each) => {
    const refusal = new Members(each);
    return defined({ status: refusal.number("status"), word: refusal.textOr("word") });
  });
  const [apiHosts = [], tokenHosts = []] = [provider.textsOr("api_hosts"), provider.textsOr("token_hosts")];
  return { apiHosts, tokenHosts, tokenRefusals, ...defined({ apiBaseUrl }) };
}
