/**
 * mcp/ lets programs that use the Model Context Protocol's TypeScript SDK keep their tokens in a vault. What depends on the
 * SDK's code does not belong here: its shapes are written down as types of our own, so that it need not be installed.
 */
export { mcpAuthProvider } from "./auth-provider.ts";
export type { McpAuthProvider } from "./auth-provider.ts";
export { requireGrant } from "./require-grant.ts";
export type { ForOneTool, GrantAccess, RequiredGrant } from "./require-grant.ts";
export type { GrantVault, RequireGrantOptions } from "./require-grant-options.ts";
export { mcpOAuthProvider } from "./oauth-provider-options.ts";
export type { McpOAuthProviderOptions } from "./oauth-provider-options.ts";
export type { McpOAuthProvider } from "./oauth-provider.ts";
export type {
  McpClientInformation,
  McpClientMetadata,
  McpDiscoveryState,
  McpIssuerContext,
  McpTokens,
} from "./sdk-shapes.ts";
export type { SignInVault, TokenVault } from "./token-vault.ts";
export { McpUnauthorizedError } from "./unauthorized.ts";
