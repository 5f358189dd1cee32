/**
 * client/ is a vault over HTTP: the verbs of a vault whose grants a service keeps, with access tokens kept in this process until
 * they are to be asked for again. It opens no store and no key; what a grant is, the service decides.
 */
export { openRemoteVault } from "./open-remote-vault.ts";
export type { CallerKey, RemoteVaultOptions } from "./options.ts";
export type { RemoteSession, RemoteSessionPage } from "./answers.ts";
export type { RemoteVault } from "./remote-vault.ts";
export type { RemoteDepositOptions, RemoteExchangeCodeOptions } from "./sent-options.ts";
