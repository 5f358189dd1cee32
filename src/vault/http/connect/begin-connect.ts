import {
  abortSignal,
  assertOptions,
  filledText,
  oneOf,
  required,
  text,
  texts,
  truth,
} from "../../../core/argument-checks.ts";
import type { Rule } from "../../../core/argument-checks.ts";
import { connectLifeMs } from "../../../core/connect.ts";
import { defined } from "../../../core/defined.ts";
import { OnbehalfError, invalidRequest } from "../../../core/errors.ts";
import type { Maker } from "../../../core/maker.ts";
import { returnFlaw } from "../../../core/return-url.ts";
import type { Provider } from "../../../providers/provider.ts";
import { currentPrincipal } from "../../context.ts";
import type { VaultContext } from "../../context.ts";
import { grantNotFound } from "../../errors/grant-not-found.ts";
import { findGrant } from "../../grants/find-grant.ts";
import { openPerson } from "../../grants/sealed-grant.ts";
import { codeRequest } from "../../keeper/codes/code-request.ts";
import { connectHash, newConnectId, sealAsked } from "./link.ts";
import { donePage } from "./site.ts";
import type { ConnectSite } from "./site.ts";

/** What a connect link is for. */
export interface BeginConnectOptions {
  /** The provider's short name. May be left out where the vault has only one provider. */
  readonly provider?: string;
  /** The app's own user id, 1 to 512 characters: whose account it will be. */
  readonly externalId: string;
  /** A label for this account, where one user has several of the provider: as `exchangeCode` takes it. Default: none. */
  readonly account?: string;
  /**
   * The grant that the link is to bring back, by its id. It must be of this provider, and known by {@link externalId}. Where the
   * provider says who consents, no other account than the grant's is taken: whoever chooses another has connected
   * nothing, and the link fails with `other_account`. Default: none.
   */
  readonly grantId?: string;
  /** What to ask for, besides what the user's grant covers already. Default: what the provider's record says. */
  readonly scopes?: readonly string[];
  /**
   * Where the person is sent back to, with `connect_id`, `status` and perhaps `error` in its query. It must be on the list.
   * Default: `{baseUrl}/done`, a page that says how it ended; with {@link codeChallenge} there is none, since the app must finish
   * the link.
   */
  readonly returnUrl?: string;
  /**
   * The S256 challenge of a verifier that the app keeps in the session of this user: 43 characters. The grant is stored only
   * once that verifier comes. Absent: a page asks the person, before they go to the provider.
   *
   * @see https://www.rfc-editor.org/rfc/rfc7636#section-4.2
   */
  readonly codeChallenge?: string;
  /** Default, and the only one: `S256`. */
  readonly codeChallengeMethod?: "S256";
  /**
   * Whether finishing the link needs the `return_code` that is added to the return URL, besides the verifier. Only the browser
   * that comes back from the provider has it. Without it, whoever made the link could let somebody else consent, and ask
   * for the return URL themselves. Needs `codeChallenge`. Default: false.
   */
  readonly returnCodeRequired?: boolean;
  /** Which account the person is expected to choose, such as an e-mail address: 512 characters at most. Default: none. */
  readonly loginHint?: string;
  /** Whether the provider must ask for consent also where it need not. Default: only where no refresh token is held. */
  readonly forceConsent?: boolean;
  /** What the page calls the app's user, 200 characters at most. Default: the external id. */
  readonly userLabel?: string;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
}

/** A link that was made. */
export interface BegunConnect {
  readonly connectId: string;
  /** Where to send the person. Whoever has it can begin: send it to nobody else. */
  readonly url: string;
  readonly expiresAt: Date;
}

const rules: Readonly<Record<keyof BeginConnectOptions, Rule>> = {
  provider: filledText,
  externalId: required(text),
  account: text,
  grantId: text,
  scopes: texts,
  returnUrl: text,
  codeChallenge: text,
  codeChallengeMethod: oneOf(["S256"]),
  returnCodeRequired: truth,
  loginHint: text,
  forceConsent: truth,
  userLabel: text,
  signal: abortSignal,
};

/** @throws {OnbehalfError} `invalid_request`: `details.parameter` names the option */
export function assertBeginConnectOptions(options: BeginConnectOptions): void {
  assertOptions("beginConnect", options, rules);
}

/** Makes a link; see `Vault.beginConnect`. */
export async function beginConnect(
  context: VaultContext,
  provider: Provider,
  site: ConnectSite,
  options: BeginConnectOptions,
  maker: Maker | undefined,
): Promise<BegunConnect> {
  const { store, keyring, clock, auditName } = context;
  const {
    externalId,
    scopes,
    codeChallenge,
    codeChallengeMethod,
    returnCodeRequired,
    loginHint,
    forceConsent,
    userLabel,
  } = options;
  const returnUrl = returnUrlOf(options, site);
  assertWhole(provider, options, `${site.baseUrl}/callback`);
  if (codeChallenge === undefined && codeChallengeMethod !== undefined) {
    throw invalidRequest(
      "code_challenge must be sent with code_challenge_method",
      "send both, or neither",
      "code_challenge",
    );
  }
  if (codeChallenge !== undefined && !/^[A-Za-z0-9_-]{43}$/.test(codeChallenge)) {
    throw invalidRequest(
      "code_challenge must be 43 characters of A-Z a-z 0-9 - _: the SHA-256 of the verifier as base64url",
      "make it with S256 (RFC 7636 section 4.2); plain is not taken",
      "code_challenge",
    );
  }
  if (returnCodeRequired === true && codeChallenge === undefined) {
    throw invalidRequest(
      "code_challenge must be sent with return_code_required",
      "send the challenge of a verifier that the session keeps: without one nobody has to finish the link",
      "code_challenge",
    );
  }
  assertShort("login_hint", loginHint, 512);
  assertShort("user_label", userLabel, 200);
  options.signal?.throwIfAborted();
  const subject = await subjectMeant(context, provider, options);
  const connectId = newConnectId();
  const hash = connectHash(keyring, connectId);
  const createdAt = clock.now();
  const expiresAt = createdAt + connectLifeMs;
  const principal = currentPrincipal();
  const askedSealed = sealAsked(keyring, hash, {
    connectId,
    provider: provider.name,
    externalId,
    returnUrl,
    appName: site.appName ?? hostOf(returnUrl),
    by: principal?.caller ?? auditName,
    ...defined({
      bySession: principal?.sessionId,
      maker,
      account: options.account,
      subject,
      grantId: options.grantId,
      scopes,
      challenge: codeChallenge,
      loginHint: loginHint || undefined,
      userLabel: userLabel || undefined,
    }),
    ...(returnCodeRequired === true ? { returnCodeRequired } : {}),
    ...(forceConsent === true ? { forceConsent } : {}),
  });
  await store.createConnect({ connectHash: hash, askedSealed, createdAt, expiresAt }, options.grantId);
  return { connectId, url: `${site.baseUrl}/${connectId}`, expiresAt: new Date(expiresAt) };
}

/** Where the person comes back to. Our own page needs no place on the list: it says how the link ended, and leads nowhere. */
function returnUrlOf({ returnUrl, codeChallenge }: BeginConnectOptions, site: ConnectSite): string {
  if (returnUrl !== undefined) {
    assertReturnUrl(returnUrl, site);
    return returnUrl;
  }
  if (codeChallenge === undefined) return donePage(site);
  throw invalidRequest(
    "return_url must be sent with code_challenge",
    "send the address at which the app finishes the link",
    "return_url",
  );
}

/**
 * Who alone may consent, where a grant is to be connected again; undefined where it may be anybody.
 *
 * @throws {OnbehalfError} `grant_not_found`: there is none of this id, provider and user
 */
async function subjectMeant(
  context: VaultContext,
  provider: Provider,
  { grantId, externalId }: BeginConnectOptions,
): Promise<string | undefined> {
  if (grantId === undefined) return undefined;
  const row = await findGrant(context, { grantId });
  const { profile, externalIds } = openPerson(context.keyring, row);
  // Whoever makes links must not be told of the grants of others, nor have the page vouch for an account that is another's.
  const isOurs = context.protocols.get(provider.name)?.client.clientId === row.clientId;
  if (!isOurs || row.provider !== provider.name || !externalIds.some((tie) => tie.externalId === externalId))
    throw grantNotFound();
  // Without identities, what is called a subject is made of the app's own names.
  return provider.identity === "none" ? undefined : profile.sub;
}

function assertReturnUrl(returnUrl: string, site: ConnectSite): void {
  const flaw = returnFlaw(returnUrl, site.returnUrls);
  if (flaw?.kind === "malformed") {
    throw invalidRequest(
      `return_url ${flaw.must}`,
      "send one of the addresses that people may be sent back to",
      "return_url",
    );
  }
  if (flaw !== undefined) {
    throw new OnbehalfError("return_url_not_allowed", "people may not be sent back to this return_url", {
      hint: "put it on the list: ONBEHALF_RETURN_URLS, or returnUrls in the library; it is compared exactly, or with an entry that ends in /*",
      details: {},
    });
  }
}

/** What will be sent with the code must be right now: the person must not consent in vain. */
function assertWhole(
  provider: Provider,
  { externalId, account, scopes }: BeginConnectOptions,
  redirectUri: string,
): void {
  // Each sign-in of a link has a verifier.
  const own = { code: "none", source: "web-redirect", codeVerifier: "v".repeat(43) } as const;
  codeRequest({ ...own, redirectUri, externalId, ...defined({ scopes, account }) }, provider);
  const odd = scopes?.find((scope) => !/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope));
  if (odd !== undefined) {
    throw invalidRequest(
      "scopes must be visible ASCII without spaces, quotes and backslashes",
      "send each scope as the provider names it (RFC 6749 section 3.3)",
      "scopes",
    );
  }
}

function assertShort(parameter: string, value: string | undefined, longest: number): void {
  if (value === undefined || (value.length <= longest && !/\p{Cc}/u.test(value))) return;
  throw invalidRequest(
    `${parameter} must be at most ${longest} characters, without control characters`,
    `send a shorter ${parameter}, without line ends or tabs`,
    parameter,
  );
}

/** What an app is called that has no name: where the person is sent back to. */
function hostOf(returnUrl: string): string {
  const { host, protocol } = new URL(returnUrl);
  return host === "" ? protocol : host;
}
