/** The service's keeper: its program, and what of the settings it is given. What it does with them does not belong here. */
import { defined } from "../../core/defined.ts";
import { startKeeperProcess } from "../../keeper-process/client.ts";
import { openTelemetrySpans } from "../../core/spans/opentelemetry.ts";
import type { Configured } from "../../keeper-process/configured.ts";
import type { KeeperClient } from "../../keeper-process/program.ts";
import { closedToDebuggers } from "../../keeper-process/closed-to-debuggers.ts";
import { flagsForKeeper, variablesForKeeper } from "../../keeper-process/node-flags.ts";
import { keeperMemoryFlags } from "../../keeper-process/small-memory.ts";
import { userAgent } from "../../outbound/user-agent.ts";
import type { OnEvent, OnFault, Telemetry } from "../../index.ts";
import type { Settings } from "../settings/config.ts";
import { keeperHints } from "../keeper-hints.ts";
import { programFile } from "../programs.ts";

/** What a keeper's process needs to open its store. */
export interface KeeperProcessOptions {
  readonly settings: Settings;
  /** Whether to bring the store's schema up to date. */
  readonly migrate: boolean;
  /** Where the keeper gets what is secret of the settings, where this process must not have it. Absent: `settings` has all. */
  readonly heldSecrets?: string;
}

/**
 * Starts the service's keeper and keeps one running. When a keeper dies, the requests that were under way are sent again to
 * the next one: the store shows how far each had come.
 *
 * @param onFault told of unexpected errors in the keeper, which goes on
 * @param telemetry makes spans of what the keeper does, in this process; the keeper's loads nothing of it
 * @param onConfigured told, before the keeper opens its store, of what it has read of the configuration
 * @throws {OnbehalfError} `configuration_invalid`: this module is part of a bundle
 * @throws {OnbehalfError} why the first keeper could not open its store: `configuration_invalid`, `key_invalid`,
 *   `store_unavailable`, `store_unusable`; `keeper_unavailable` where its process ended before it said why
 */
export async function startKeeper(
  { settings, migrate, heldSecrets }: KeeperProcessOptions,
  onEvent: OnEvent,
  onFault: OnFault,
  telemetry?: Telemetry,
  onConfigured?: (read: Configured) => void,
): Promise<KeeperClient> {
  const program = {
    file: programFile("keeper/process"),
    opening: { settings, migrate, ...defined({ heldSecrets }) },
    execArgv: flags(),
    // Nothing that the operator has loaded first, such as an SDK, runs where refresh tokens are opened.
    // oxlint-disable-next-line eslint/no-restricted-properties -- it is passed on, and nothing in it is looked at
    environment: () => variablesForKeeper(process.env),
    ...(telemetry === undefined ? {} : { spans: openTelemetrySpans(telemetry, userAgent) }),
    stderr: "inherit" as const,
    hints: keeperHints,
  };
  return startKeeperProcess<KeeperProcessOptions>(program, onEvent, onFault, onConfigured);
}

function flags(): string[] {
  // oxlint-disable-next-line eslint/no-restricted-properties -- what an operator has said of the young space comes first
  const own = keeperMemoryFlags(flagsForKeeper(process.execArgv), process.env["NODE_OPTIONS"]);
  return [...new Set([...own, ...closedToDebuggers])];
}
