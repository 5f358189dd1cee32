import type { GrantRef } from "../core/grant.ts";

/** What of a vault hands out tokens: one that `openVault` opens, a caller's view of one, or a remote one. */
export interface TokenVault {
  getAccessToken(
    ref: GrantRef,
    options?: { readonly refused?: string },
  ): Promise<{ readonly token: string; readonly expiresAt?: Date | undefined; readonly scopes?: readonly string[] }>;
}
