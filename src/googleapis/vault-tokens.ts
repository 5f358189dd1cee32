import type { GrantRef } from "../core/grant.ts";

/** A token as a vault gives it. */
export interface VaultToken {
  readonly token: string;
  /** Undefined: nobody knows when it ends. */
  readonly expiresAt?: Date | undefined;
  readonly scopes?: readonly string[];
}

/**
 * What is needed of a vault: the one that `openVault` gives, a caller's view of it, a remote one, or anything that does
 * the same.
 */
export interface TokenVault {
  getAccessToken(
    ref: GrantRef,
    options?: { readonly minTtlSeconds?: number; readonly refused?: string },
  ): Promise<VaultToken>;
  /** Ends a grant. Without it, `revokeCredentials` of the client is refused. */
  revoke?(ref: GrantRef): Promise<unknown>;
}
