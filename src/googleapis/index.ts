/**
 * googleapis/ gives Google's own client libraries a client whose tokens come from a vault. What a vault is, and Google's
 * libraries themselves, do not belong here: the class is the caller's, and nothing of it is imported.
 */
export { authClient } from "./auth-client.ts";
export type { AuthClientOptions } from "./auth-client.ts";
export type { OAuth2ClientClass } from "./library-client.ts";
export type { TokenVault, VaultToken } from "./vault-tokens.ts";
