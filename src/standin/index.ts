/**
 * The stand-in: a provider that tests and the demo sign people in at. The kind `google` has Google's paths, refusals and
 * habits; `oauth2` is a strict provider of plain OAuth 2.0, and `mcp` is
 * one with an MCP server.
 * No line of the rest of Onbehalf is imported here, so that the stand-in can disagree with our client instead of sharing
 * its mistakes; and nothing here is ever reached by a real account.
 */

export { standinKinds, startStandin } from "./start-standin.ts";
export type { StandinKind } from "./start-standin.ts";
export type { RunningStandin } from "./running-standin.ts";
export type { Standin, StandinOptions } from "./google/google-standin.ts";
export type { StandinClock } from "./clock.ts";
export { defaultClientId, defaultClientSecret } from "./google/state/clients.ts";
export type { ClientKind, ClientSpec } from "./google/state/clients.ts";
export type { CodeKind } from "./google/state/codes.ts";
export type { ClientView, PersonSpec } from "./google/control/control-actions.ts";
export type { Fault } from "./http/faults.ts";
export type { CodeSpec } from "./google/control/issued-code.ts";
export type { AccountRefusal } from "./state/people.ts";
export type { LogEntry, LogPage } from "./state/request-log.ts";
export type { RiscEvent, RiscSpec } from "./google/control/risc.ts";
export type { IdTokenFlaw, Settings } from "./google/state/settings.ts";
export type { OAuth2Standin, OAuth2StandinOptions } from "./oauth2/oauth2-standin.ts";
export type { AuthenticationMethod, ClientChanges, PublicJwk } from "./oauth2/clients.ts";
export type { OAuth2ClientView, OAuth2CodeSpec, OAuth2PersonSpec } from "./oauth2/control-actions.ts";
export type { SsfEvent } from "./oauth2/ssf-event-types.ts";
export type { SsfSpec } from "./oauth2/security-event.ts";
export type { OAuth2Settings } from "./oauth2/settings.ts";
export type { McpStandin, McpStandinOptions } from "./mcp/mcp-standin.ts";
export type { ApplicationType, GrantType } from "./oauth2/clients.ts";
