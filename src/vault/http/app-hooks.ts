import { defined } from "../../core/defined.ts";
import { OnbehalfError, configurationInvalid, isOnbehalfError } from "../../core/errors.ts";
import type { Grant } from "../../core/grant.ts";

/** What a server knows of a request besides what stands in it. `toNode` says both; another server what it likes. */
export interface HandlerContext {
  /** The path above the handler's own; empty at the top of a server. */
  readonly mountPath?: string;
  /** The request as the server's framework has it, with what its middlewares have put there, such as a session. */
  readonly incoming?: unknown;
}

/** What `onGrant` may use besides the grant and the request. */
export interface GrantContext extends HandlerContext {
  /** The members of the answer, as they are sent where `onGrant` returns nothing. */
  readonly answer: Readonly<Record<string, unknown>>;
}

/** Where an app says whose a grant becomes, and learns of it. */
export interface AppHooks {
  /**
   * Says whose grant a code becomes: the app's own user id, as its session has it; where users have several accounts, or
   * one that may be exchanged for another, a {@link NamedByApp}. Called after the request was found to
   * be no forgery and before the code is used. To refuse, it throws, or throws or returns a `Response`; the code then
   * still works. What it throws becomes the answer where it is an `OnbehalfError`; an error with a `status` of 401 or of
   * 500 and more becomes `unauthorized` or `internal_error`, and any other `forbidden`.
   *
   * It may read the request's body. Default: grants become known by no user id.
   */
  readonly externalId?: (request: Request, context: HandlerContext) => MaybePromise<ExternalId | NamedByApp | Response>;
  /**
   * Whether a request for which {@link externalId} names nobody is refused with `unauthorized`: a session that has ended
   * must not make a grant that belongs to nobody. `false` lets it pass, as for people who sign in for the first time.
   * Default true.
   */
  readonly requireExternalId?: boolean;
  /**
   * Called when a code has become a grant, before the answer is sent, as to begin a session. A `Response` that it returns
   * is the answer; of a plain object, the members are added to the answer, where it has none of the name. What else it
   * returns counts as nothing.
   *
   * Where it throws, the grant stays, and the answer says so; a `Response` that it throws is the answer. Whoever sends
   * the same request again within a minute gets the same grant. `onGrant` is then called again, which it must not mind,
   * but only for the same sender: the app's session has said whose grant it is ({@link externalId}), or the request
   * proves it, by PKCE, a nonce or an `Idempotency-Key`. Somebody who has only read the code would get a session.
   */
  readonly onGrant?: (grant: Grant, request: Request, context: GrantContext) => MaybePromise<Response | object | void>;
  /**
   * Called with what {@link externalId} and {@link onGrant} throw that is neither a `Response` nor an `OnbehalfError`, and
   * with each other error that nobody expected. Default: the vault's `onFault`.
   */
  readonly onFault?: (error: unknown) => void;
}

/** Whose grant a code becomes, and which of that user's accounts: as the options of `Vault.exchangeCode`. */
export interface NamedByApp {
  /** The app's own user id. Nobody is named where it is absent. */
  readonly externalId?: string | number | bigint | null | undefined;
  /** The label of this account. Absent: the provider's `sub`. */
  readonly account?: string | undefined;
  /** Whether other accounts lose what is asked for: with no label, the user has this account alone. Default false. */
  readonly moveExternalId?: boolean | undefined;
}

type ExternalId = string | number | bigint | null | undefined;
type MaybePromise<T> = T | Promise<T>;

/** That a hook has answered in our place. */
export class AnsweredByApp {
  readonly response: Response;

  constructor(response: Response) {
    this.response = response;
  }
}

/**
 * Asks the app whose grant a code becomes.
 *
 * @returns undefined: nobody's, and that is allowed
 * @throws {AnsweredByApp} the app refuses with an answer of its own
 * @throws {OnbehalfError} the app refuses, or its session names nobody
 */
export async function externalIdFor(
  { externalId, requireExternalId = true, onFault }: AppHooks,
  request: Request,
  context: HandlerContext,
): Promise<(NamedByApp & { readonly externalId: string }) | undefined> {
  if (externalId === undefined) return undefined;
  const said = await Promise.resolve()
    .then(() => externalId(request, context))
    .catch((error: unknown) => {
      throw refusal(error, onFault);
    });
  if (isResponse(said)) throw new AnsweredByApp(said);
  const named: object = isPlain(said) && "externalId" in said ? said : { externalId: said };
  const { externalId: user, account, moveExternalId, ...unknown } = named as NamedByApp;
  if (user === undefined || user === null || user === "") {
    if (!requireExternalId) return undefined;
    throw new OnbehalfError("unauthorized", "the app does not know whose grant this becomes", {
      hint: "sign in to the app and send the code again: it was not used and still works",
      details: {},
    });
  }
  const isUser = typeof user === "string" || typeof user === "bigint" || Number.isSafeInteger(user);
  const isRest =
    ["string", "undefined"].includes(typeof account) &&
    ["boolean", "undefined"].includes(typeof moveExternalId) &&
    Object.keys(unknown).length === 0;
  if (isUser && isRest) return { externalId: String(user), account, moveExternalId };
  throw configurationInvalid(
    "externalId must return the app's own user id, and has returned something else",
    "return a text or a whole number, { externalId, account, moveExternalId }, or undefined where nobody is signed in",
  );
}

/**
 * Tells the app of a grant.
 *
 * @param answer the members of the answer
 * @returns the answer: the app's own, or the members with the app's added
 * @throws {AnsweredByApp} the app answers in our place, by throwing
 * @throws {OnbehalfError} what the app does with the grant has failed
 */
export async function toldOfGrant(
  { onGrant, onFault }: AppHooks,
  grant: Grant,
  request: Request,
  context: GrantContext,
): Promise<Response> {
  const { answer } = context;
  if (onGrant === undefined) return Response.json(answer);
  try {
    const said: unknown = await onGrant(grant, request, context);
    if (isResponse(said)) return said;
    return Response.json(isPlain(said) ? { ...said, ...defined(answer) } : answer);
  } catch (error) {
    const answered = responseIn(error);
    if (answered !== undefined) throw new AnsweredByApp(answered);
    if (!isOnbehalfError(error)) tell(onFault, error);
    throw afterGrant(error, grant);
  }
}

function refusal(error: unknown, onFault: AppHooks["onFault"]): unknown {
  const answered = responseIn(error);
  if (answered !== undefined) return new AnsweredByApp(answered);
  if (isOnbehalfError(error)) return error;
  const status = statusIn(error);
  if (status !== undefined && status >= 500) return error;
  tell(onFault, error);
  return new OnbehalfError(
    status === 401 ? "unauthorized" : "forbidden",
    "the app has refused to say whose grant this becomes",
    {
      hint: "sign in to the app and send the code again: it was not used and still works",
      details: {},
      cause: error,
    },
  );
}

/** Says that the grant is there all the same. An error of ours keeps its code, and how long to wait. */
function afterGrant(error: unknown, { grantId }: Grant): OnbehalfError {
  const { code, details }: Pick<OnbehalfError, "code" | "details"> = isOnbehalfError(error)
    ? error
    : { code: "internal_error", details: {} };
  return new OnbehalfError(code, "the code has become a grant, which is stored; what the app does with it has failed", {
    hint: "send the same request again within a minute",
    details: { ...details, grantId },
    cause: error,
  });
}

/** Tells of an error. Whatever becomes of that, the answer must go out. */
export function tell(onFault: AppHooks["onFault"], error: unknown): void {
  try {
    onFault?.(error);
  } catch {
    // The one who is to be told of errors has failed: there is nobody else to tell.
  }
}

function isPlain(said: unknown): said is object {
  if (typeof said !== "object" || said === null) return false;
  const prototype: unknown = Object.getPrototypeOf(said);
  return prototype === Object.prototype || prototype === null;
}

/** By its looks: a framework may have a class of its own. */
function isResponse(said: unknown): said is Response {
  if (typeof said !== "object" || said === null || !("headers" in said) || !("body" in said)) return false;
  // Response.error() has status 0, and nobody can send that.
  return "status" in said && typeof said.status === "number" && said.status >= 200;
}

/** What was thrown as an answer: a `Response`, or an error that holds one, as Hono's do. */
function responseIn(error: unknown): Response | undefined {
  if (isResponse(error)) return error;
  if (typeof error !== "object" || error === null || !("getResponse" in error)) return undefined;
  const held: unknown = typeof error.getResponse === "function" ? error.getResponse() : undefined;
  return isResponse(held) ? held : undefined;
}

function statusIn(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const { status, statusCode } = error as { readonly status?: unknown; readonly statusCode?: unknown };
  const said = status ?? statusCode;
  return typeof said === "number" ? said : undefined;
}
