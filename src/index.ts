export { fixedClock, movableClock, systemClock } from "./core/clock.ts";
export type { Clock, MovableClock } from "./core/clock.ts";
export {
  generateMasterKey,
  keyringFromEnv,
  keyringFromFile,
  keyringFromKeys,
  masterKeyId,
} from "./crypto/master-key.ts";
export type { MasterKeySource } from "./crypto/master-key.ts";
export { OnbehalfError, isOnbehalfError } from "./core/errors.ts";
export type { AnyOnbehalfError, ErrorCode, ErrorDetails } from "./core/errors.ts";
export { grantStates, missingScopes, scopesOf } from "./core/grant.ts";
export type { Grant, GrantRef, GrantState, LapseReason, Profile } from "./core/grant.ts";
export { problemOf, problemResponse, statusOf } from "./core/problem.ts";
export type { Problem } from "./core/problem.ts";
export { google } from "./providers/google.ts";
export type { GoogleOptions } from "./providers/google.ts";
export { oidc } from "./providers/oidc.ts";
export type { OidcOptions } from "./providers/oidc.ts";
export { parseClientSecretJson } from "./providers/client-secret-json.ts";
export { codeSources } from "./providers/provider.ts";
export type { Client, CodeSource, Endpoints, Provider } from "./providers/provider.ts";
export { endTogether } from "./providers/siblings.ts";
export { Secret } from "./core/secret.ts";
export type { Store } from "./store/store.ts";
export { openVault, Vault } from "./vault.ts";
export type { VaultOptions } from "./vault.ts";
export type { AccessToken } from "./vault/tokens/access-token.ts";
export type { GetAccessTokenOptions } from "./vault/tokens/token-source.ts";
export { codeOptions, consentBody } from "./vault/http/authcode-handler.ts";
export type { AuthCodeHandler, AuthCodeHandlerOptions } from "./vault/http/authcode-handler.ts";
export { permissions } from "./vault/http/callers.ts";
export type { Caller, Callers, Permission } from "./vault/http/callers.ts";
export type { ExchangeCodeOptions } from "./vault/keeper/codes/code-request.ts";
export type { OnEvent, VaultEvent } from "./vault/events.ts";
export { bodyBrokeOff, formOf, readBody, readBytes, readParameters } from "./vault/http/request-body.ts";
export { parseGrantRef } from "./vault/grants/find-grant.ts";
export { keyStatus, rotateMasterKey } from "./vault/open/master-key-rotation.ts";
export type { KeyStatus } from "./vault/open/master-key-rotation.ts";
export { openKeeper } from "./vault/keeper/open-keeper.ts";
export type { KeeperOptions } from "./vault/keeper/open-keeper.ts";
export type { Keeper, RefreshOutcome } from "./vault/keeper/local-keeper.ts";
export type { CommonOptions } from "./vault/open/open-context.ts";
export type { CodeRequest } from "./vault/keeper/codes/code-request.ts";
export type { Priority } from "./vault/keeper/gate/gate.ts";
export type { GrantPage, GrantQuery } from "./vault/grants/list-grants.ts";
