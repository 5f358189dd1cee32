import { assertFits, required } from "../core/argument-checks.ts";
import type { GrantRef } from "../core/grant.ts";
import { tokenDigest } from "../crypto/token-digest.ts";
import { SentRequests } from "./sent-requests.ts";
import { aVault } from "./token-vault.ts";
import type { TokenVault } from "./token-vault.ts";
import { forSdk } from "./unauthorized.ts";

/** An `AuthProvider` of `@modelcontextprotocol/client`: what its transports ask for a token before each request. */
export interface McpAuthProvider {
  /**
   * A token that lives.
   *
   * @throws {McpUnauthorizedError} the person must consent, or consent again
   * @throws {OnbehalfError} what `Vault.getAccessToken` throws
   */
  token(): Promise<string>;
  /**
   * Tells the vault that the server has refused the token of this request. The vault then holds another one, by one refresh
   * however many requests were refused.
   *
   * @throws as {@link token}
   */
  onUnauthorized(context?: unknown): Promise<void>;
}

const aRef = required({
  fits: (value) => (typeof value === "string" && value !== "") || (typeof value === "object" && value !== null),
  must: 'a grant, such as { provider: "tools", externalId: "user-42" }',
});

/**
 * The tokens of one grant, for a transport of the MCP SDK 2: `new StreamableHTTPClientTransport(url, { authProvider })`. The
 * person has connected before, by a connect link or otherwise. The SDK is given access tokens alone, and refreshes nothing.
 *
 * @param vault a vault, a caller's view of one, or a remote one
 * @param ref the grant whose tokens are sent. Give none that another than your own user may choose
 * @throws {OnbehalfError} `invalid_request`: an argument is not what it must be
 * @see https://modelcontextprotocol.io/specification/draft/basic/authorization#token-handling
 */
export function mcpAuthProvider(vault: TokenVault, ref: GrantRef): McpAuthProvider {
  assertFits("vault", vault, aVault);
  assertFits("ref", ref, aRef);
  const requests = new SentRequests();
  return {
    async token() {
      const request = requests.begin();
      const token = await tokenOf(vault, ref);
      request.digest = tokenDigest(token);
      return token;
    },
    async onUnauthorized() {
      await tokenOf(vault, ref, requests.current.digest);
    },
  };
}

/** A token, or what the SDK understands. */
async function tokenOf(vault: TokenVault, ref: GrantRef, refused?: string): Promise<string> {
  try {
    return (await vault.getAccessToken(ref, refused === undefined ? {} : { refused })).token;
  } catch (error) {
    throw forSdk(error);
  }
}
