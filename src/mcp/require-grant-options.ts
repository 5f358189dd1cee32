import {
  assertFits,
  assertOptions,
  filledText,
  required,
  secretText,
  seconds,
  text,
  texts,
} from "../core/argument-checks.ts";
import type { Rule } from "../core/argument-checks.ts";
import type { Clock } from "../core/clock.ts";
import { configurationInvalid, isOnbehalfError } from "../core/errors.ts";
import type { CanonicalScopes } from "../core/scopes.ts";
import type { AuthInfo, UrlElicitationRequiredErrorClass } from "./server-sdk.ts";

/** Whose grant is meant: the app's own user id, and perhaps which provider and account. */
interface PersonRef {
  readonly externalId: string;
  readonly provider?: string;
  readonly account?: string;
}

/** What is needed of a vault: one of `openVault` or of `openRemoteVault`. */
export interface GrantVault {
  readonly clock?: Clock;
  getAccessToken(
    ref: PersonRef,
    options?: { readonly refused?: string; readonly signal?: AbortSignal },
  ): Promise<TokenOfGrant>;
  grant(ref: PersonRef, options?: { readonly signal?: AbortSignal }): Promise<GrantOfPerson>;
  fetch(ref: { readonly grantId: string }, input: string | URL, init?: RequestInit): Promise<Response>;
  beginConnect(options: {
    readonly externalId: string;
    readonly returnUrl: string;
    readonly codeChallenge: string;
    readonly returnCodeRequired: true;
    readonly provider?: string;
    readonly account?: string;
    readonly scopes?: readonly string[];
    readonly loginHint?: string;
  }): Promise<{ readonly url: string }>;
  finishConnect(
    connectId: string,
    options: { readonly codeVerifier: string; readonly returnCode: string },
  ): Promise<unknown>;
  providerOf?(name?: string): {
    readonly name: string;
    readonly displayName?: string;
    readonly canonicalScopes?: CanonicalScopes;
  };
}

/** What is needed of a grant. */
interface GrantOfPerson {
  readonly state: string;
  readonly scopes: readonly string[];
  readonly account?: string;
  readonly profile?: { readonly email?: string };
}

/** What is needed of an access token. */
export interface TokenOfGrant {
  readonly grantId: string;
  readonly token: string;
  readonly expiresAt?: Date | undefined;
  readonly scopes: readonly string[];
}

/** What the library's `Secret` is. */
interface WrappedSecret {
  expose(): string;
}

/** Who is signed in in the browser that has sent a request. A `Response` is the answer, such as a redirect to the sign-in. */
export type SignedIn = (
  request: Request,
  context: { readonly incoming?: unknown },
) => string | undefined | Response | Promise<string | undefined | Response>;

/** What {@link requireGrant} takes. */
export interface RequireGrantOptions {
  /**
   * The app's own user id of who calls, from the request's verified access token: never from a tool's arguments, and not from the
   * session's id, which is no proof of anybody. Undefined: nobody is known, and the call is refused. A server on stdio has no
   * access token: its one user is whom it was started for.
   *
   * @see https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation#identifying-the-user
   */
  readonly externalId: (authInfo: AuthInfo | undefined) => string | undefined | Promise<string | undefined>;
  /**
   * The same id for a browser: who is signed in there, by a cookie of the server's own session or its authorization server's. The
   * link leads on only where it is the person for whom it was made. A `Response`, returned or thrown, is the answer, such as a
   * redirect to the sign-in, from where the person should come back to `request.url`.
   */
  readonly signedIn: SignedIn;
  /** Where {@link RequiredGrant.page} is mounted, with all that lies beneath it: https, or http on a loopback address. */
  readonly pageUrl: string;
  /** The SDK's class of this name. Each version's server sends its own only as what the client expects: code -32042. */
  readonly UrlElicitationRequiredError: UrlElicitationRequiredErrorClass;
  /** The provider's short name. May be left out where the vault has only one. */
  readonly provider?: string;
  /** Which of the person's accounts there, where one may have several. Default: the only one. */
  readonly account?: string;
  /** What the tools need. What the person's grant lacks of it is asked for. Default: what the provider's record asks for. */
  readonly scopes?: readonly string[];
  /** What the person reads after "Connect your account at …": such as `so that Notes can read your files`. Default: nothing. */
  readonly purpose?: string;
  /**
   * Seals what stands in links: 32 characters or more, the same in each process that serves {@link pageUrl}. Default: a random
   * one, whose links end with the process.
   */
  readonly secret?: string | WrappedSecret | undefined;
  /**
   * How long a request of revision 2026-07-28 waits, once its person has accepted, for them to finish in the browser. Clients
   * wait for an answer for a minute by default. Seconds; default 45.
   */
  readonly acceptedWaitSeconds?: number;
  /** Told of each error that neither the person nor time can help, and of what the page did not expect. Default: nobody. */
  readonly onFault?: (error: unknown) => void;
}

const called: Rule = { fits: (value) => typeof value === "function", must: "a function" };

const rules: Readonly<Record<keyof RequireGrantOptions, Rule>> = {
  externalId: required(called),
  signedIn: required(called),
  pageUrl: required(filledText),
  UrlElicitationRequiredError: required({ ...called, must: "the SDK's class of this name" }),
  provider: filledText,
  account: text,
  scopes: texts,
  purpose: filledText,
  secret: secretText,
  acceptedWaitSeconds: seconds,
  onFault: called,
};

/** @throws {OnbehalfError} `configuration_invalid`: an option is not what it must be */
export function assertRequireGrantOptions(options: RequireGrantOptions): void {
  try {
    assertOptions("requireGrant", options, rules);
  } catch (error) {
    throw isOnbehalfError(error, "invalid_request") ? configurationInvalid(error.message, error.hint) : error;
  }
  const { pageUrl, secret } = options;
  const url = URL.canParse(pageUrl) ? new URL(pageUrl) : undefined;
  const isLoopback = url !== undefined && /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  if (
    url === undefined ||
    !(url.protocol === "https:" || (url.protocol === "http:" && isLoopback)) ||
    /[?#]/.test(pageUrl)
  ) {
    throw configurationInvalid(
      "pageUrl must be an https URL without a query, or http on a loopback address",
      "give the URL where the page is mounted, such as https://mcp.example/connect-google",
    );
  }
  const given = secretTextOf(secret);
  if (given !== undefined && given.length < 32) {
    throw configurationInvalid(
      "secret must be 32 characters or more",
      "make one with: openssl rand -base64 32, and give the same to each process",
    );
  }
}

/** @throws {OnbehalfError} `configuration_invalid`: they are no list of texts */
export function assertScopes(scopes: readonly string[] | undefined): void {
  try {
    assertFits("scopes", scopes, texts);
  } catch (error) {
    throw isOnbehalfError(error, "invalid_request") ? configurationInvalid(error.message, error.hint) : error;
  }
}

/** The secret itself. */
export function secretTextOf(secret: string | WrappedSecret | undefined): string | undefined {
  return typeof secret === "object" ? secret.expose() : secret;
}
