/**
 * Connect links: how one stands, and what a provider's answer to its sign-in means. Times are milliseconds since the epoch.
 * Who may see a link, and what is sent to whom, does not belong here.
 */
import type { IssuerNames } from "./issuer.ts";
import { issuerPattern } from "./issuer.ts";

/** How long a link lives, milliseconds. */
export const connectLifeMs = 900_000;
/** How many wrong verifiers a link bears. The right one is never guessed; a program with the wrong one must not go on. */
export const mostConnectTries = 5;

/**
 * - `waiting`: nobody has come back from the provider yet.
 * - `pending`: what the provider answered is kept, and the app must finish the link.
 * - `finished`: there is a grant.
 * - `failed`: there will be none.
 * - `expired`: nobody came back, or nobody finished it, in time.
 */
export type ConnectStatus = "waiting" | "pending" | "finished" | "failed" | "expired";

/** How the code that a link brought stands: as intakes do, and `held` until somebody proves that the link is theirs. */
export type CodeStanding = "none" | "spending" | "answered" | "held" | "done" | "rejected";

/** What a link's row says. */
export interface StandingLink {
  /** Whether it was made with a challenge. */
  readonly isProved: boolean;
  /** Why it failed; null where it has not. */
  readonly error: string | null;
  readonly expiresAt: number;
}

/** Says how a link stands. The code decides: what it has become is written in one transaction with the grant. */
export function connectStatus(
  { isProved, error, expiresAt }: StandingLink,
  code: CodeStanding,
  now: number,
): ConnectStatus {
  // Another grant is known by the app's user already: what there is now belongs to nobody.
  if (error === conflict) return "failed";
  if (code === "done") return "finished";
  if (error !== null || code === "rejected") return "failed";
  const isOver = now >= expiresAt;
  // Without a challenge nobody is waited for: the answer becomes a grant as soon as somebody can say whose it is.
  if (code === "answered" && !isProved) return "pending";
  if (isOver) return "expired";
  return code === "answered" || code === "held" ? "pending" : "waiting";
}

/** The error of a link whose grant could not be made known by its external id. */
const conflict = "external_id_conflict";

/** What a link was opened with, besides the link. */
export interface Opening {
  /** Whether somebody has begun it. */
  readonly isBegun: boolean;
  /** Whether it was this browser. */
  readonly isSameBrowser: boolean;
}

/**
 * What whoever opens a link gets: `begin`, the way to the provider; or a page that says why not.
 *
 * A link belongs to the browser in which it was begun: whoever else has got it must not go on in that one's place.
 */
export function openedLink(
  status: ConnectStatus,
  { isBegun, isSameBrowser }: Opening,
): "begin" | "expired" | "used" | "other_browser" {
  if (status === "expired") return "expired";
  if (status !== "waiting") return "used";
  return isBegun && !isSameBrowser ? "other_browser" : "begin";
}

/** What a provider's metadata and record say of `iss` in its answers. */
export interface IssuerRule extends IssuerNames {
  /** Whether {@link IssuerNames.issuer} is only our own name for it: then nothing can be compared. */
  readonly isIssuerOurs?: boolean;
  /** Whether its metadata promises `iss` in each answer. */
  readonly sendsIssuer: boolean;
  /** Providers that are another server than this one. An answer in the name of one of them is not this one's. */
  readonly others?: readonly IssuerNames[];
}

/**
 * Whether an answer may be from another server than the one that was asked: then its code must not be sent anywhere.
 *
 * @param iss as the answer says it; undefined where it does not
 * @see https://www.rfc-editor.org/rfc/rfc9207#section-2.4
 */
export function isOtherIssuer(
  { sendsIssuer, isIssuerOurs = false, others = [], ...names }: IssuerRule,
  iss: string | undefined,
): boolean {
  if (iss === undefined) return sendsIssuer;
  // Such a provider has no name to compare. It may send people on to another one all the same, to be brought that one's code.
  return isIssuerOurs ? others.some((other) => isNameOf(other, iss)) : !isNameOf(names, iss);
}

function isNameOf({ issuer, alsoIssuedAs = [] }: IssuerNames, iss: string): boolean {
  return [issuer, ...alsoIssuedAs].some((name) => issuerPattern(name).test(iss));
}

/** What a provider may say at the end of a sign-in that brought no code. */
const providerErrors: ReadonlySet<string> = new Set([
  // RFC 6749 section 4.1.2.1
  "access_denied",
  "invalid_request",
  "unauthorized_client",
  "unsupported_response_type",
  "invalid_scope",
  "server_error",
  "temporarily_unavailable",
  // OpenID Connect Core 1.0 section 3.1.2.6
  "interaction_required",
  "login_required",
  "account_selection_required",
  "consent_required",
  // RFC 8707 section 2
  "invalid_target",
]);

/** The error that the app is told for what a provider said. What is not known could be anything. */
export function shownProviderError(error: string): string {
  // As some providers call it.
  if (error === "user_denied" || error === "user_cancelled_authorize" || error === "consent_declined")
    return "access_denied";
  return providerErrors.has(error) ? error : "provider_error";
}
