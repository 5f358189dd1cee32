/**
 * The door to the keeper: what may be asked of the code that opens refresh tokens, and what it answers. Interface and
 * result types belong here, and nothing that runs: whoever holds the door must not hold what is behind it.
 */
import type { Secret } from "../../core/secret.ts";

/** How soon a refresh is wanted: somebody waits for the token, or nobody does. */
export type Priority = "interactive" | "background";

/** A one-time code with everything that its exchange will send, settled before the code is used. */
export interface CodeRequest {
  readonly code: Secret;
  readonly redirectUri: string | undefined;
  readonly codeVerifier: Secret | undefined;
  readonly nonce: string | undefined;
  readonly externalId: string | undefined;
  readonly scopes: readonly string[];
}

/** A grant as it was read by whoever wants it refreshed. */
export interface SeenGrant {
  readonly grantId: string;
  /** The provider's short name, so that the keeper can ask its gate before it touches the store. */
  readonly provider: string;
  /** Its client and issuer: a grant of a client that is not configured here is touched by nobody. */
  readonly clientId: string;
  readonly issuer: string;
  /** The generation whose refresh token is to be sent. */
  readonly generation: number;
  /** Not before this time is the provider asked again, milliseconds since the epoch; null or absent: at any time. */
  readonly retryAt?: number | null | undefined;
  /** The error of the last refresh that failed. */
  readonly lastError?: string | null | undefined;
}

/** How a refresh ended. */
export type RefreshOutcome =
  /** The provider gave new tokens, and the grant is at the generation after the one that was asked for. */
  | {
      readonly kind: "refreshed";
      readonly accessToken: Secret;
      /** When the token was asked for and when it ends, milliseconds since the epoch. */
      readonly issuedAt: number;
      readonly expiresAt: number;
      /** As granted (RFC 6749 section 3.3). */
      readonly scope: string;
      /** False while the store cannot be written: then the keeper holds the answer, and goes on trying. */
      readonly isStored: boolean;
    }
  /** The grant has moved: its row says how it stands. */
  | { readonly kind: "newer" }
  /** The grant is no longer usable: its row says why. */
  | { readonly kind: "ended" }
  /** The provider gives nothing just now. The grant is as it was. */
  | { readonly kind: "unavailable"; readonly error: string; readonly retryAfterMs: number }
  /** The provider refuses our client. The grant is as it was. */
  | { readonly kind: "misconfigured"; readonly error: string };

/**
 * Takes codes in, sends refresh tokens, commits what comes back, revokes. It runs in the process of the embedded library,
 * or in a process of its own for the service; nothing outside of it opens a refresh token.
 */
export interface Keeper {
  /**
   * Exchanges a code and stores the grant.
   *
   * @param provider the provider's short name
   * @returns the grant's id
   * @throws {OnbehalfError} `code_rejected`, `id_token_invalid`, `client_misconfigured`, `provider_unavailable`,
   *   `store_unavailable`; `keeper_unavailable` where it runs in another process
   */
  exchangeCode(provider: string, request: CodeRequest): Promise<string>;
  /**
   * Refreshes a generation of a grant, once, whoever asks and from wherever. Goes on when nobody waits any more.
   *
   * @throws {OnbehalfError} `store_unavailable`: no attempt could be written, so no token was sent
   * @throws {OnbehalfError} `grant_unreadable`, `client_misconfigured`
   * @throws {OnbehalfError} `keeper_unavailable` where it runs in another process
   */
  refresh(seen: SeenGrant, priority: Priority): Promise<RefreshOutcome>;
  /**
   * Revokes a grant at the provider and ends it.
   *
   * @throws {OnbehalfError} `provider_unavailable`, `store_unavailable`, `client_misconfigured`; `keeper_unavailable`
   *   where it runs in another process
   */
  revoke(grantId: string): Promise<void>;
  /** Takes nothing new, and resolves when all that was begun is stored. */
  close(): Promise<void>;
}
