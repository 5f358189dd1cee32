/** What a user of the library needs. Each value is shown in docs/library.md. */
export type { Authorization } from "./core/authorization.ts";
export { fixedClock, movableClock } from "./core/clock.ts";
export type { Clock, MovableClock } from "./core/clock.ts";
export { OnbehalfError, isOnbehalfError } from "./core/errors.ts";
export type { AnyOnbehalfError, ErrorCode, ErrorDetails } from "./core/errors.ts";
export type { Grant, GrantRef, Profile } from "./core/grant.ts";
export type { GrantState, LapseReason } from "./core/grant-state.ts";
export type { Cause, Certainty, Diagnosis, Evidence, FurtherReason } from "./core/diagnosis/diagnosis.ts";
export type { DependsOn, Doer, Reason, Step } from "./core/diagnosis/reasons.ts";
export type { Probe, ProbeReason, ProbeResult } from "./core/probe.ts";
export { problemOf, problemResponse } from "./core/problem.ts";
export type { Problem } from "./core/problem.ts";
export { Secret } from "./core/secret.ts";
export type { Telemetry } from "./core/spans/opentelemetry.ts";
export type { CreateTicketOptions, Ticket } from "./core/ticket.ts";
export type { TrustedIssuer } from "./core/trusted-issuer.ts";
export { keyringFromCommand } from "./crypto/key-command.ts";
export type { KeyCommandOptions } from "./crypto/key-command.ts";
export {
  generateMasterKey,
  keyringFromEnv,
  keyringFromFile,
  keyringFromKeys,
  masterKeyId,
} from "./crypto/master-key.ts";
export type { MasterKeySource } from "./crypto/master-key.ts";
export { parseClientSecretJson } from "./providers/client-secret-json.ts";
export { github } from "./providers/github.ts";
export type { GitHubOptions } from "./providers/github.ts";
export { google } from "./providers/google.ts";
export type { GoogleOptions } from "./providers/google.ts";
export { oidc } from "./providers/oidc.ts";
export type { OidcOptions } from "./providers/oidc.ts";
export { mcpServer } from "./providers/mcp.ts";
export type { McpServerOptions } from "./providers/mcp.ts";
export { microsoft } from "./providers/microsoft.ts";
export type { MicrosoftOptions } from "./providers/microsoft.ts";
export { oauth2 } from "./providers/oauth2.ts";
export type { OAuth2Options } from "./providers/oauth2.ts";
export { slack } from "./providers/slack.ts";
export type { SlackOptions } from "./providers/slack.ts";
export type {
  AuthorizationRequestHabits,
  Client,
  ClientToRegister,
  CodeSource,
  Endpoints,
  Identity,
  Provider,
  SignalSource,
} from "./providers/provider.ts";
export type { Store } from "./store/store.ts";
export { serverStatus } from "./vault/open/server-status.ts";
export type { KeptClientStatus, ServerStatus } from "./vault/open/server-status.ts";
export { openVault } from "./open.ts";
export type { VaultOptions } from "./open.ts";
export type { AppEvent, AppEventType } from "./core/events/app-event.ts";
export type { Vault } from "./vault.ts";
export type { VaultVerbs } from "./vault-verbs.ts";
export type { EventPage, EventsOptions } from "./vault/app-events/event-reader.ts";
export type { AuditLog, AuditLogHead, AuditLogQuery, AuditLogRow } from "./vault/audit/audit-log.ts";
export { auditStatus } from "./vault/audit/audit-status.ts";
export type { AuditPruned } from "./vault/audit/prune.ts";
export type { AuditFault, AuditReport } from "./vault/audit/verify.ts";
export type { OnFault } from "./vault/context.ts";
export type { AboutWork, OnEvent, VaultEvent } from "./vault/events.ts";
export { parseGrantRef } from "./vault/grants/find-grant.ts";
export { unreadableGrants } from "./vault/grants/unreadable-grants.ts";
export type { UnreadableGrant } from "./vault/grants/unreadable-grants.ts";
export type { UnwellCount } from "./core/diagnosis/unwell-counts.ts";
export type { GrantPage, GrantQuery } from "./vault/grants/list-grants.ts";
export type { AppHooks, GrantContext, HandlerContext, NamedByApp } from "./vault/http/app-hooks.ts";
export type { AuthCodeHandler, AuthCodeHandlerOptions } from "./vault/http/authcode-handler.ts";
export type { SignalHandler } from "./vault/http/signal-handler.ts";
export type { SignalResult, Signals } from "./vault/signals/signals.ts";
export type { BeginConnectOptions, BegunConnect } from "./vault/http/connect/begin-connect.ts";
export type { ConnectHandler } from "./vault/http/connect/connect-handler.ts";
export type { ConnectState, FinishConnectOptions } from "./vault/http/connect/finish-connect.ts";
export type { KeptSignIn, SignInOf, SignIns } from "./vault/http/connect/own-sign-ins.ts";
export type { ConnectOptions } from "./vault/http/connect/site.ts";
export type { OwnSessions } from "./vault/tokens/own-sessions.ts";
export type { CallerView } from "./vault/tokens/caller-view.ts";
export type { AppUsers, SubjectTokenResult } from "./vault/http/app-users.ts";
export type { CallerHandles, CreateHandleOptions, Handle, Handles, VerifiedHandle } from "./vault/http/handles.ts";
export type {
  Caller,
  CallerSession,
  CreateCallerOptions,
  Permission,
  NarrowCallerOptions,
  RotateCallerOptions,
} from "./vault/http/caller.ts";
export type { Callers } from "./vault/http/callers.ts";
export type { DashboardLink, Operator, OperatorRole, Operators } from "./vault/http/operators.ts";
export type { CreateSessionOptions, Session, SessionPage, SessionQuery, Sessions } from "./vault/http/sessions.ts";
export type { ExchangeCodeOptions } from "./vault/keeper/codes/code-request.ts";
export type { DepositOptions } from "./vault/keeper/deposits/deposit-request.ts";
export type {
  CodeRequest,
  Deposited,
  DepositRequest,
  HeldCode,
  HeldCodeProof,
  Keeper,
  Priority,
  RefreshOutcome,
  SeenGrant,
} from "./vault/keeper/keeper.ts";
export { openKeeper } from "./vault/keeper/open-keeper.ts";
export type { KeeperOptions } from "./vault/keeper/open-keeper.ts";
export { rotateDataKeys } from "./vault/open/data-key-rotation.ts";
export type { RotateDataKeysOptions } from "./vault/open/data-key-rotation.ts";
export type { ProviderProblem } from "./vault/open/provider-problem.ts";
export { providerProblems } from "./vault/open/provider-problems.ts";
export { storeEpoch } from "./vault/open/store-standing.ts";
export type { Standstill, StoreSettled, StoreStanding } from "./vault/open/store-standing.ts";
export { keyStatus, rotateMasterKey } from "./vault/open/master-key-rotation.ts";
export type { KeyStatus } from "./vault/open/master-key-rotation.ts";
export type { CommonOptions } from "./vault/open/open-context.ts";
export type { AccessToken } from "./vault/tokens/token-cache.ts";
export type { GetAccessTokenOptions } from "./vault/tokens/token-options.ts";
