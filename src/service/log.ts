import { destination, pino } from "pino";
import type { Logger } from "pino";
import type { OnEvent, VaultEvent } from "../index.ts";
import { systemClock } from "../core/clock.ts";
import type { Clock } from "../core/clock.ts";
import { lineLimit } from "./error-log.ts";
import type { LogLevel } from "./settings/config.ts";
import { logNames } from "./settings/log-levels.ts";
import type { LogName } from "./settings/log-levels.ts";

export type { Logger };

/**
 * A log of JSON lines on stderr: stdout is for data.
 *
 * @param level the lowest level that is written
 */
export function serviceLogger(level: LogLevel): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination({ fd: 2, sync: true }));
}

/** The level of each event: from `warn` on, a person should look at it. */
const levels: Readonly<Record<VaultEvent["type"], "debug" | "info" | "warn" | "error">> = {
  grant_stored: "info",
  code_rejected: "info",
  code_reused: "warn",
  sign_in_waits: "warn",
  sign_in_finished: "info",
  sign_in_held: "info",
  sign_in_discarded: "warn",
  id_token_refused: "warn",
  refreshed: "debug",
  refresh_failed: "warn",
  discovery_failed: "warn",
  unknown_refusal: "warn",
  client_refused: "error",
  dpop_key_created: "info",
  client_registered: "info",
  dpop_key_lost: "error",
  answer_of_another_grant: "error",
  lapsed: "warn",
  recovered: "info",
  scopes_changed: "warn",
  external_id_moved: "info",
  external_id_conflict: "warn",
  answer_kept: "error",
  revoked: "info",
  signal_taken: "info",
  signal_refused: "warn",
  consent_ends_soon: "info",
  revocation_waits: "warn",
  unreadable: "error",
  callers_bound: "warn",
  data_keys_promoted: "info",
  resealing: "info",
  data_keys_retired: "info",
  data_keys_closed: "error",
  store_standstill: "error",
  store_settled: "info",
  store_behind: "error",
  unusual_reads: "warn",
  store_damaged: "error",
  audit_broken: "error",
  webhook_given_up: "error",
  webhook_stopped: "error",
  store_failed: "error",
};

/** To which part each event belongs. */
const nameOf: Readonly<Record<VaultEvent["type"], LogName>> = {
  grant_stored: "codes",
  code_rejected: "codes",
  code_reused: "codes",
  sign_in_waits: "codes",
  sign_in_finished: "codes",
  sign_in_held: "codes",
  sign_in_discarded: "codes",
  id_token_refused: "codes",
  external_id_moved: "codes",
  external_id_conflict: "codes",
  refreshed: "refresh",
  refresh_failed: "refresh",
  unknown_refusal: "refresh",
  answer_of_another_grant: "refresh",
  answer_kept: "refresh",
  lapsed: "refresh",
  recovered: "refresh",
  scopes_changed: "refresh",
  consent_ends_soon: "refresh",
  discovery_failed: "providers",
  client_refused: "providers",
  client_registered: "providers",
  dpop_key_created: "providers",
  dpop_key_lost: "providers",
  revoked: "revoke",
  revocation_waits: "revoke",
  signal_taken: "signals",
  signal_refused: "signals",
  webhook_given_up: "webhooks",
  webhook_stopped: "webhooks",
  callers_bound: "keys",
  data_keys_promoted: "keys",
  resealing: "keys",
  data_keys_retired: "keys",
  data_keys_closed: "keys",
  unusual_reads: "audit",
  audit_broken: "audit",
  store_failed: "store",
  store_damaged: "store",
  unreadable: "store",
  store_standstill: "store",
  store_settled: "store",
  store_behind: "store",
};

/** Events that somebody without a key can cause, as often as they like. */
const ofStrangers: ReadonlySet<VaultEvent["type"]> = new Set([
  "code_rejected",
  "code_reused",
  "id_token_refused",
  "signal_refused",
]);

/**
 * A listener that writes a vault's events to a log. An event never carries a token. Of what strangers can cause, there
 * are so many lines each minute, and then one that says how many were left out.
 *
 * @param clock default: the machine's own
 * @param ofNames levels of parts of the log, where they are others than the logger's
 * @returns for the `onEvent` of `openVault`
 */
export function eventLogger(
  logger: Logger,
  clock: Clock = systemClock,
  ofNames: Partial<Readonly<Record<LogName, LogLevel>>> = {},
): OnEvent {
  const admit = lineLimit(() => clock.now());
  const named = Object.fromEntries(
    logNames.map((name) => {
      const level = ofNames[name];
      return [name, level === undefined ? logger : logger.child({}, { level })];
    }),
  ) as Record<LogName, Logger>;
  return ({ type, ...rest }, about) => {
    const omitted = ofStrangers.has(type) ? admit(type) : 0;
    if (omitted === undefined) return;
    named[nameOf[type]][levels[type]]({ ...rest, ...about, ...(omitted === 0 ? {} : { omitted }) }, type);
  };
}
