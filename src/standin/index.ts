/**
 * The stand-in for Google: a provider that tests and the demo sign people in at, with Google's paths, refusals and habits.
 * No line of the rest of Onbehalf is imported here, so that the stand-in can disagree with our client instead of sharing
 * its mistakes; and nothing here is ever reached by a real account.
 */

export { startStandin } from "./standin.ts";
export type { Standin, StandinOptions } from "./standin.ts";
export type { StandinClock } from "./clock.ts";
export { defaultClientId, defaultClientSecret } from "./state/clients.ts";
export type { ClientKind, ClientSpec } from "./state/clients.ts";
export type { CodeKind } from "./state/codes.ts";
export type { ClientView, PersonSpec } from "./control/control-actions.ts";
export type { Fault } from "./http/faults.ts";
export type { CodeSpec } from "./control/issued-code.ts";
export type { AccountRefusal } from "./state/people.ts";
export type { LogEntry, LogPage } from "./state/request-log.ts";
export type { RiscEvent, RiscSpec } from "./control/risc.ts";
export type { IdTokenFlaw, Settings } from "./state/settings.ts";
