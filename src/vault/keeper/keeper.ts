/**
 * The door to keeper/, the only code that opens refresh tokens: what other code may ask of it, and what it answers.
 * Interface and result types belong here. Code that runs does not: a module that imports this file must not get at a
 * refresh token by it.
 */
import type { Authorization } from "../../core/authorization.ts";
import type { KeeperFigures } from "../../core/figures.ts";
import type { HandedDownKeys } from "../../core/handed-down-keys.ts";
import type { Secret } from "../../core/secret.ts";
import type { AuditPrincipal } from "../../core/audit-principal.ts";

/** How urgent a refresh is. `interactive`: a caller waits for the token. `background`: none does. */
export type Priority = "interactive" | "background";

/** A one-time code with everything that its exchange will send. All of it was checked before the code is used. */
export interface CodeRequest {
  readonly code: Secret;
  /** Undefined: the exchange sends no `redirect_uri`. */
  readonly redirectUri: string | undefined;
  readonly codeVerifier: Secret | undefined;
  /** The ID token must carry it. Undefined: it must carry none. */
  readonly nonce: string | undefined;
  /** Whether it may carry none although one is given here. Absent: it may not. */
  readonly isNonceOptional?: boolean;
  /** Whether it may carry one although none is given here. Absent: it may not. */
  readonly isNonceUnknown?: boolean;
  /** By what its sender says again who it is, where the answer was lost. It is sent to nobody. */
  readonly idempotencyKey?: Secret | undefined;
  /** The app's own user id. */
  readonly externalId: string | undefined;
  /** The label of one of that user's accounts. Absent: none was given. */
  readonly account?: string | undefined;
  /** The provider's `sub` of the person who alone may have consented. Absent: whoever did. */
  readonly subject?: string | undefined;
  /** Whether that id, or its label, may be taken from another grant that is in use. */
  readonly moveExternalId: boolean;
  /** What was asked for. */
  readonly scopes: readonly string[];
  /** Whether somebody without a key may have sent it. It then goes behind callers, into a queue that is short. */
  readonly isPublic: boolean;
  /** What must be proved before the answer becomes a grant. Absent: nothing. */
  readonly hold?: Hold | undefined;
  /** Whose doing the audit log calls it. Absent: the keeper's own. */
  readonly principal?: AuditPrincipal | undefined;
}

/** A refresh token that the app got elsewhere. All of it was checked before the token is used. */
export interface DepositRequest {
  readonly refreshToken: Secret;
  /** The app's own user id. */
  readonly externalId: string;
  /** The label of one of that user's accounts. Absent: none was given. */
  readonly account?: string | undefined;
  /** What the token covers, as the app knows it. It counts where the provider does not say it. */
  readonly scopes: readonly string[];
  /** Whether it is one of many, which go behind everything that somebody waits for. */
  readonly isOneOfMany: boolean;
  /** Whether the token is to be sent although nobody knows what became of it when it was sent before. */
  readonly sendAgain: boolean;
  /** Whose doing the audit log calls it. Absent: the keeper's own. */
  readonly principal?: AuditPrincipal | undefined;
}

/** What a deposited refresh token has become. */
export interface Deposited {
  readonly grantId: string;
  /** False: the token was deposited before, or is the grant's own. Nothing was sent. */
  readonly isNew: boolean;
}

/** Why an answer is held: whoever has brought the code may have been sent here by somebody else. */
export interface Hold {
  /** Which connect link the code came by: its hash, in hexadecimal. */
  readonly connect: string;
  /** The S256 challenge of the verifier that releases the answer. */
  readonly challenge: string;
  /**
   * The S256 challenge of the return code that must come with it: only the browser that the provider sent back was given
   * that one. Absent: none is needed.
   */
  readonly returnChallenge?: string | undefined;
  /** Until when it may be released, milliseconds since the epoch. Then what was issued is ended. */
  readonly until: number;
}

/** The answer to a code that is held. */
export interface HeldCode {
  /** The keyed hash of the code. */
  readonly codeHash: Uint8Array;
  /** As in {@link Hold}. */
  readonly connect: string;
  readonly principal?: AuditPrincipal | undefined;
}

/** What releases an answer that is held. */
export interface HeldCodeProof {
  readonly codeVerifier: Secret;
  readonly returnCode?: Secret | undefined;
}

/** A grant, as the caller read it that wants it refreshed. */
export interface SeenGrant {
  readonly grantId: string;
  /** The provider's short name, so that the keeper can ask the provider's gate before it reads the store. */
  readonly provider: string;
  /** Its client and issuer: a grant of a client that is not configured here is touched by nobody. */
  readonly clientId: string;
  readonly issuer: string;
  /** The generation whose refresh token is to be sent. */
  readonly generation: number;
  /** The provider is not asked again before this time, milliseconds since the epoch. Null or absent: at any time. */
  readonly retryAt?: number | null | undefined;
  /** When the last refresh failed, and `retryAt` was set, milliseconds since the epoch. Null or absent: not known. */
  readonly lastErrorAt?: number | null | undefined;
  /** When a second look at a refusal is due, or the last one at a lapsed grant. Null or absent: none is. */
  readonly lookAt?: number | null | undefined;
  /** When the access token that is held ends, milliseconds since the epoch. Null or absent: none is held. */
  readonly accessExpiresAt?: number | null | undefined;
  /** An API has refused that access token, so it is of no use although it has not ended. */
  readonly isAccessRefused?: boolean | undefined;
  /** The error code of the last refresh that failed. Null or absent: none failed. */
  readonly lastError?: string | null | undefined;
  /** Whose doing the audit log calls it. Absent: the keeper's own. */
  readonly principal?: AuditPrincipal | undefined;
}

/** How a refresh ended. */
export type RefreshOutcome =
  /** The provider gave new tokens, and the grant is at the generation after the one that was asked for. */
  | {
      readonly kind: "refreshed";
      readonly accessToken: Secret;
      /** When the request for the token was sent, milliseconds since the epoch. */
      readonly issuedAt: number;
      /** When the token expires, milliseconds since the epoch; null where the provider did not say. */
      readonly expiresAt: number | null;
      /** As granted, separated by spaces. */
      readonly scope: string;
      /** False while the store cannot be written: then the keeper holds the answer, and goes on trying. */
      readonly isStored: boolean;
    }
  /** The grant has another generation by now. Read its row again. */
  | { readonly kind: "newer" }
  /** The grant is no longer usable, or holds no refresh token. Its row says why. */
  | { readonly kind: "ended" }
  /** The provider gives no token just now. `error`: its own code, or ours. The grant works as before. */
  | { readonly kind: "unavailable"; readonly error: string; readonly retryAfterMs: number }
  /** The provider refuses our client. `error`: its own code. The grant works as before. */
  | { readonly kind: "misconfigured"; readonly error: string };

/** A keeper that says how it is doing. */
export interface WatchedKeeper extends Keeper {
  figures(): Promise<KeeperFigures>;
}

/**
 * Exchanges codes, sends refresh tokens, commits the answers, and revokes. With the embedded library it runs in the
 * same process as the vault, with the service in a process of its own. No other code opens a refresh token.
 *
 * Each verb of a keeper in another process may also throw `keeper_unavailable`, where it does not answer, and
 * `internal_error`, where it failed unexpectedly. Where a provider's discovery document is wrong, each verb that needs
 * it throws `configuration_invalid`.
 */
export interface Keeper {
  /**
   * The data keys that a vault needs which hands out access tokens: none that opens a refresh token. A vault with this
   * keeper needs no master key then, and asks again when data keys are replaced. Absent: the vault opens them itself, with
   * a master key of its own.
   */
  readingKeys?(): Promise<HandedDownKeys>;
  /** How it is doing, for those who watch it. Absent: it does not say. */
  figures?(): Promise<KeeperFigures>;
  /**
   * Exchanges a code and stores the grant.
   *
   * @param provider the short name of a provider that is configured
   * @returns the grant's id
   * @throws {OnbehalfError} `code_rejected`: the code was used, has expired, or belongs to another client
   * @throws {OnbehalfError} `id_token_invalid`: who signed in is not proven; nothing was kept
   * @throws {OnbehalfError} `external_id_conflict`: the user's label means another grant; the answer is stored without it
   * @throws {OnbehalfError} `client_misconfigured`: the provider refuses our client
   * @throws {OnbehalfError} `provider_unavailable`, `store_unavailable`: nothing was lost; the same code may be sent
   *   again
   * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3
   */
  exchangeCode(provider: string, request: CodeRequest): Promise<string>;
  /**
   * Proves a refresh token by a refresh, and stores what the answer brings as the person's grant. A token that was
   * deposited before, or that a grant holds, is not sent.
   *
   * @param provider the short name of a provider that is configured
   * @throws {OnbehalfError} `deposit_refused`: the provider refuses the token; nothing is stored
   * @throws {OnbehalfError} `deposit_outcome_unknown`: the token was sent, the answer is lost, and the provider may have
   *   replaced the token
   * @throws {OnbehalfError} `id_token_invalid`: whose token it is is not proven. The answer is kept, and looked at again
   * @throws {OnbehalfError} `external_id_conflict`: the user id means another grant; the answer is stored without it
   * @throws {OnbehalfError} `client_misconfigured`: the provider refuses our client; the token was not used
   * @throws {OnbehalfError} `provider_unavailable`, `store_unavailable`: nothing was lost; the same may be deposited again
   * @see https://www.rfc-editor.org/rfc/rfc6749#section-6
   */
  deposit(provider: string, request: DepositRequest): Promise<Deposited>;
  /**
   * What an authorization request needs of a provider. Where no client is known there, one is registered.
   *
   * @throws {OnbehalfError} `provider_unavailable`: that is not possible just now
   * @throws {OnbehalfError} `client_misconfigured`: no client is registered for us
   */
  authorization(provider: string): Promise<Authorization>;
  /**
   * Exchanges a code, finds out who has consented, and holds the answer: it becomes no grant before {@link finishHeld}.
   *
   * @param request with `hold`
   * @throws {OnbehalfError} as {@link exchangeCode}, but for `external_id_conflict`
   */
  holdCode(provider: string, request: CodeRequest): Promise<void>;
  /**
   * Releases an answer that is held, and stores the grant. The same call again gives the same grant.
   *
   * @returns the grant's id
   * @throws {OnbehalfError} `verifier_mismatch`: it is still held
   * @throws {OnbehalfError} `connect_expired`: it is too late; `connect_not_found`: no answer is held for this link
   * @throws {OnbehalfError} as {@link exchangeCode}
   */
  finishHeld(provider: string, held: HeldCode & HeldCodeProof): Promise<string>;
  /**
   * Ends what an answer that is held has brought: its tokens are revoked, unless that might end another grant. What the
   * provider does not confirm at once is tried again by the upkeep.
   *
   * @throws {OnbehalfError} `store_unavailable`
   */
  discardHeld(provider: string, held: HeldCode): Promise<void>;
  /**
   * Refreshes one generation of a grant, once, however many callers and processes ask for it. The work goes on when no
   * caller waits for it any more.
   *
   * @returns how it ended; that the provider failed, or refuses our client, is a result and no error
   * @throws {OnbehalfError} `store_unavailable`: the token was not sent, or the provider answered without tokens. An
   *   answer with tokens is never lost to this error
   * @throws {OnbehalfError} `grant_unreadable`: the refresh token does not open, so it was not sent
   * @throws {OnbehalfError} `client_misconfigured`: the grant belongs to a client that is not configured here
   * @see https://www.rfc-editor.org/rfc/rfc6749#section-6
   */
  refresh(seen: SeenGrant, priority: Priority): Promise<RefreshOutcome>;
  /**
   * Revokes a grant at the provider and ends it. Does nothing where there is no such grant, or it is revoked already.
   *
   * @param principal whose doing the audit log calls it; the keeper's own by default
   * @throws {OnbehalfError} `provider_unavailable`: the provider has not confirmed it; upkeep tries it again
   * @throws {OnbehalfError} `client_misconfigured`: the grant belongs to a client that is not configured here
   * @throws {OnbehalfError} `grant_unreadable`: a sealed value of the grant is damaged
   * @throws {OnbehalfError} `store_unavailable`
   * @see https://www.rfc-editor.org/rfc/rfc7009
   */
  revoke(grantId: string, principal?: AuditPrincipal): Promise<void>;
  /**
   * Ends the keeper. Resolves when all work that was begun has ended. Where the store fails, it waits 40 seconds at
   * most for answers to be stored.
   */
  close(): Promise<void>;
}
