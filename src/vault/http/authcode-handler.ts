/**
 * http/ holds what an app mounts in a server of its own, and what the service's server shares with it: the code handler
 * with its checks, caller keys and sign-in assertions. Routes, sockets and settings do not belong here (service/).
 */
import { assertFits, filledText, required, texts, truth } from "../../core/argument-checks.ts";
import type { Rule } from "../../core/argument-checks.ts";
import { defined } from "../../core/defined.ts";
import { OnbehalfError, configurationInvalid, isOnbehalfError } from "../../core/errors.ts";
import type { Grant } from "../../core/grant.ts";
import { Secret } from "../../core/secret.ts";
import { problemResponse } from "../../core/problem.ts";
import { flawIn } from "../../core/verbatim.ts";
import { codeSources } from "../../providers/provider.ts";
import type { CodeSource, Provider } from "../../providers/provider.ts";
import { withoutUnseen } from "../errors/unseen-names.ts";
import { ticketInvalid } from "../errors/ticket-invalid.ts";
import { providerUnavailable } from "../errors/provider-unavailable.ts";
import { actingAs, somebody } from "../context.ts";
import { requestId } from "./request-id.ts";
import { AnsweredByApp, externalIdFor, tell, toldOfGrant } from "./app-hooks.ts";
import type { AppHooks, HandlerContext } from "./app-hooks.ts";
import { consentBody } from "./consent-body.ts";
import { corsHeaders, withHeaders } from "./cross-origin.ts";
import { guardAgainstForgery, isFromBrowser } from "./browser-guard.ts";
import { errorsPage } from "./errors-page.ts";
import type { ExchangeCodeOptions } from "../keeper/codes/code-request.ts";
import { formatOf } from "./media-type.ts";
import { allowedOrigin } from "./origins.ts";
import type { Parameters } from "./parameters.ts";
import { bodyUsed, readParameters } from "./request-body.ts";

export { codeSources };

/** What `vault.authCodeHandler` takes. */
export interface AuthCodeHandlerOptions extends AppHooks {
  /**
   * The URL by which people and apps reach this server. It is `iss` and `aud` of the sign-in assertion, and pages of
   * its origin may post codes. Without it only requests to this machine itself get an assertion: the host of any other
   * is what somebody wrote into a header.
   */
  readonly publicUrl?: string;
  /**
   * Further origins whose pages may post codes, such as `https://app.example.com` or, of a page in an app,
   * `capacitor://localhost`. Default: none.
   */
  readonly allowedOrigins?: readonly string[];
  /**
   * The provider that the codes are for, where the vault has several. A `provider` parameter of the request comes
   * first.
   */
  readonly provider?: string;
  /**
   * Where docs/errors.md is to be found, to whose sections the `error_uri` of an error leads: a URL, or a path of this
   * server. Where the handler is asked for this path with GET, it answers with the page. Default: the page in the
   * repository of this package.
   */
  readonly errorsUrl?: string;
}

/** What the handler needs of a vault. */
export interface CodeTaker {
  exchangeCode(options: ExchangeCodeOptions): Promise<Grant>;
  providerOf(name?: string): Provider;
  /** The assertion of a code that has just become a grant; undefined where it was given to somebody before. */
  assertionOf(exchange: ExchangeCodeOptions, grant: Grant, issuer: string): Promise<string | undefined>;
}

/**
 * A web-standard request handler, to be mounted at `POST /authcode` of the app's own server. It never throws.
 *
 * @param context what the server knows besides the request, for the app's hooks: a {@link HandlerContext} from `toNode`
 */
export type AuthCodeHandler = (request: Request, context?: unknown) => Promise<Response>;

/**
 * How many codes one handler has under way. Each is kept in memory until the provider has answered, which may take half
 * a minute; more are refused at once.
 */
const mostUnderWay = 200;

/**
 * Makes the handler that takes one-time codes from phones and pages. It answers every error itself.
 *
 * @param issuerOf says who signs where `options.publicUrl` does not
 * @param onFault is told of errors where `options.onFault` is absent
 * @throws {OnbehalfError} `configuration_invalid`: one of `options.allowedOrigins` is no origin
 * @throws {OnbehalfError} `configuration_invalid`: `options.publicUrl` is no URL
 * @see https://fetch.spec.whatwg.org/#http-cors-protocol
 */
export function authCodeHandler(
  vault: CodeTaker,
  options: AuthCodeHandlerOptions = {},
  issuerOf: IssuerOf = ownIssuers(),
  onFault?: (error: unknown) => void,
): AuthCodeHandler {
  assertHandlerOptions(options);
  const hooks: AppHooks = { ...defined({ onFault }), ...options };
  const hasHooks = hooks.externalId !== undefined || hooks.onGrant !== undefined;
  const errorsUrl = errorsUrlOf(options.errorsUrl);
  const publicUrl = publicUrlOf(options.publicUrl);
  const ownOrigins = new Set([
    ...(options.allowedOrigins ?? []).map(allowedOrigin),
    ...(publicUrl === undefined ? [] : [new URL(publicUrl).origin]),
  ]);

  let underWay = 0;

  return async (request, context) => {
    const cors = corsHeaders(request, ownOrigins, hasHooks);
    if (request.method === "OPTIONS" && cors !== undefined) return new Response(null, { status: 204, headers: cors });
    if (isGet(request) && new URL(request.url).pathname === errorsUrl) return errorsPage(request);
    const response = await answer(request, (context ?? {}) as HandlerContext).catch(refused);
    return withHeaders(response, { "cache-control": "no-store", ...cors });
  };

  function refused(error: unknown): Response {
    if (error instanceof AnsweredByApp) return error.response;
    if (!isOnbehalfError(error)) tell(hooks.onFault, error);
    return problemResponse(error, errorsUrl);
  }

  async function answer(request: Request, context: HandlerContext): Promise<Response> {
    if (request.method !== "POST") {
      throw new OnbehalfError("method_not_allowed", "a code must be sent with POST", {
        hint: "send a POST request",
        details: { allow: ["POST"] },
      });
    }
    formatOf(request.headers);
    guardAgainstForgery(request, ownOrigins);
    const { exchange, isOfSession } = await askedFor(request, context);
    if (underWay >= mostUnderWay)
      throw tooMany(exchange.ticket === undefined ? vault.providerOf(exchange.provider) : undefined);
    underWay += 1;
    const grant = await actingAs({ ...somebody, requestId: requestId(request) }, () => vault.exchangeCode(exchange))
      .catch(async (error: unknown) => {
        // Whose row it is that does not open, nobody knows.
        throw await withoutUnseen(error, async () => false);
      })
      .finally(() => (underWay -= 1));
    const issuer = publicUrl ?? issuerOf(request);
    // A ticket says itself what was asked for, and the grant then what of it is missing.
    const requested = exchange.ticket === undefined ? (exchange.scopes ?? []) : [];
    const consent = consentBody(grant, vault.providerOf(grant.provider), requested);
    if (issuer === undefined && hooks.onGrant === undefined) return Response.json(consent);
    const assertion = await vault.assertionOf(exchange, grant, issuer ?? nobody);
    const isStranger = assertion === undefined;
    const body = {
      ...consent,
      sign_in_assertion: issuer === undefined ? undefined : assertion,
      sign_in_assertion_reason: isStranger && issuer !== undefined ? givenBefore : undefined,
    };
    // Whoever has only read the code somewhere must not get the session that `onGrant` begins. Where the app's own session
    // has said whose grant it is, the keeper has compared that with the first request.
    const told = isStranger && !isOfSession ? defined({ onFault: hooks.onFault }) : hooks;
    return toldOfGrant(told, grant, request, { ...context, answer: body });
  }

  /** In a function of its own: a code may wait for seconds, and the rest of its body must not wait in memory with it. */
  async function askedFor(request: Request, context: HandlerContext): Promise<Asked> {
    // The hooks get the request as it came, with whatever the app's framework has added to it.
    const parameters = await readParameters(hasHooks ? copyOf(request) : request);
    const ticket = parameters.get("ticket");
    const named = ticket === undefined ? undefined : parameters.get("external_id");
    const isOurs = (name: string): boolean => name !== "external_id" || ticket === undefined;
    if (["external_id", "account", "move_external_id"].some((name) => parameters.has(name) && isOurs(name))) {
      throw new OnbehalfError("forbidden", "a public request must not say whose grant this becomes", {
        hint: "leave external_id and account out, or send a ticket that the app's backend has got from POST /v1/tickets",
        details: {},
      });
    }
    const asked = codeOptions(parameters, isFromBrowser(request) ? "web-popup" : "android");
    // A ticket says which provider it is for.
    const provider = asked.provider ?? (ticket === undefined ? options.provider : undefined);
    const idempotencyKey = request.headers.get("idempotency-key") ?? undefined;
    const session = await externalIdFor(hooks, request, context);
    const ofSession = session?.externalId;
    // The app's user has changed since the phone began, or somebody else's ticket was put into this session.
    if (named !== undefined && ofSession !== undefined && named !== ofSession) throw ticketInvalid("external_id");
    const externalId = ofSession ?? named;
    const exchange = {
      ...asked,
      isPublic: true,
      ...defined({
        provider,
        idempotencyKey,
        externalId,
        account: session?.account,
        moveExternalId: session?.moveExternalId,
        ticket: ticket === undefined ? undefined : new Secret(ticket),
      }),
    };
    return { exchange, isOfSession: ofSession !== undefined };
  }
}

/** What a request asks for. */
interface Asked {
  readonly exchange: ExchangeCodeOptions;
  /** Whether the app's own session has said whose the grant becomes. */
  readonly isOfSession: boolean;
}

/** What else stands in the options is not looked at: a server may pass on its own. */
function assertHandlerOptions(options: unknown): void {
  try {
    assertFits("options", options, anObject);
    const { allowedOrigins, provider, requireExternalId, ...hooks } = options as AuthCodeHandlerOptions;
    assertFits("allowedOrigins", allowedOrigins, texts);
    assertFits("provider", provider, filledText);
    assertFits("requireExternalId", requireExternalId, truth);
    for (const name of ["externalId", "onGrant", "onFault"] as const) assertFits(name, hooks[name], aFunction);
  } catch (error) {
    throw isOnbehalfError(error) ? configurationInvalid(error.message, error.hint) : error;
  }
}

const aFunction: Rule = { fits: (value) => typeof value === "function", must: "a function" };

const anObject = required({
  fits: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  must: "an object, such as { publicUrl }",
});

/**
 * In whose name an assertion is signed. Undefined: nobody has said, and a `Host` header must not: whoever verifies the
 * assertion takes its `iss` for the server that the person has signed in to.
 */
export type IssuerOf = (request: Request) => string | undefined;

const thisMachine = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** While an app is being written, it is reached on this machine, by names that nobody else can give. */
function ownIssuers(): IssuerOf {
  let isTold = false;
  return ({ url }) => {
    const { hostname, origin } = new URL(url);
    if (thisMachine.test(hostname)) return origin;
    if (!isTold) {
      isTold = true;
      process.emitWarning("authCodeHandler leaves sign_in_assertion out: give it publicUrl, which is its iss and aud", {
        type: "OnbehalfWarning",
      });
    }
    return undefined;
  };
}

/** Signs where nobody may: that assertion leaves for nobody, and only says that a code was answered before. */
const nobody = "urn:onbehalf:nobody";

const givenBefore =
  "the assertion of this code was given to an earlier request, and this one proves not to be from the same sender: " +
  "start a new sign-in, and send an Idempotency-Key with each code";

/** @param provider undefined: the code's ticket, which nobody has looked at yet, says which one it is */
function tooMany(provider: Provider | undefined): OnbehalfError<"provider_unavailable"> {
  const { name = "this server", issuer = "" } = provider ?? {};
  return providerUnavailable(
    `${name} did not exchange the code`,
    "too_many_sign_ins",
    "nothing was lost, and the same code may be sent again while it lives",
    { issuer, retryAfterMs: 1_000 },
  );
}

function publicUrlOf(given: unknown): string | undefined {
  if (given === undefined) return undefined;
  const flaw = typeof given === "string" ? flawIn(given) : undefined;
  if (typeof given === "string" && flaw === undefined && URL.canParse(given)) return given.replace(/\/+$/, "");
  throw configurationInvalid(
    `publicUrl ${flaw?.is ?? "must be an absolute URL"}`,
    flaw?.hint ?? "give the URL by which people and apps reach this server, such as https://app.example.com",
  );
}

/**
 * Reads the parameters of a code exchange from a request.
 *
 * @param defaultSource where the code comes from, in requests that send neither `source` nor `redirect_uri`
 * @throws {OnbehalfError} `invalid_request`: `details.parameter` names what is wrong
 */
export function codeOptions(parameters: Parameters, defaultSource: CodeSource): ExchangeCodeOptions {
  const [authCode, code] = [parameters.get("authCode"), parameters.get("code")];
  // Google's own samples send an empty one with a phone's code, and a form has no other way to say "none".
  const redirectUri = parameters.get("redirect_uri") || undefined;
  const source = sourceOf(parameters.get("source")) ?? (redirectUri === undefined ? defaultSource : undefined);
  const asked = defined({
    source,
    redirectUri,
    codeVerifier: parameters.get("code_verifier"),
    nonce: parameters.get("nonce"),
    provider: parameters.get("provider"),
    scopes: scopesIn(parameters),
  });
  if (authCode !== undefined && code !== undefined && authCode !== code) {
    throw invalid("authCode", "authCode and code must not differ", "send only authCode");
  }
  const given = authCode ?? code;
  if (given === undefined) throw invalid("authCode", "authCode is missing", "send the one-time code as authCode");
  return { code: given, ...asked };
}

/** The scopes that were asked for: `scope` as OAuth has it, or `scopes` as many sign-in libraries call the list. */
export function scopesIn(parameters: Parameters): readonly string[] | undefined {
  const [scope, scopes] = [parameters.words("scope"), parameters.words("scopes")];
  if (scope !== undefined && scopes !== undefined) {
    const differs =
      new Set([...scope, ...scopes]).size !== new Set(scope).size || new Set(scopes).size !== new Set(scope).size;
    if (differs) throw invalid("scope", "scope and scopes must not differ", "send only scope");
  }
  return scope ?? scopes;
}

function sourceOf(text: string | undefined): CodeSource | undefined {
  if (text === undefined) return undefined;
  const source = codeSources.find((known) => known === text);
  if (source === undefined)
    throw invalid("source", `source must be one of ${codeSources.join(", ")}`, "send where the code came from");
  return source;
}

function isGet({ method }: Request): boolean {
  return method === "GET" || method === "HEAD";
}

/** @throws {OnbehalfError} `configuration_invalid`: the body was read before */
function copyOf(request: Request): Request {
  if (!request.bodyUsed) return request.clone();
  throw bodyUsed();
}

/** A path, or a URL; undefined where none was given. */
function errorsUrlOf(given: unknown): string | undefined {
  if (given === undefined) return undefined;
  const isPath = typeof given === "string" && /^\/(?!\/)[^\s#]*$/.test(given);
  const isUrl = typeof given === "string" && /^https?:\/\/[^\s#]+$/.test(given) && URL.canParse(given);
  if (isPath || isUrl) return given;
  throw configurationInvalid(
    "errorsUrl must be a path of this server or a URL, without a fragment",
    "give the address of the errors page, such as /docs/errors.md, or leave errorsUrl out",
  );
}

function invalid(parameter: string, message: string, hint: string): OnbehalfError<"invalid_request"> {
  return new OnbehalfError("invalid_request", message, { hint, details: { parameter } });
}
