/** What the checks say of a service that runs, by what it has open. It holds no master key and no secret of a client. */
import type { KeyStatus, Provider, Vault } from "../../index.ts";
import { UnwellCounts } from "../../core/diagnosis/unwell-counts.ts";
import type { UnwellCount } from "../../core/diagnosis/unwell-counts.ts";
import { environment } from "../settings/environment.ts";
import { checkAddress, checkMetrics } from "./check-address.ts";
import { checkCallers } from "./check-callers.ts";
import { checkDisk, checkMode } from "./check-files.ts";
import { checkGrants } from "./check-grants.ts";
import { checkKeys } from "./check-keys.ts";
import { checkRescue } from "./check-rescue.ts";
import { checkFoundDamage, checkStanding } from "./check-standing.ts";
import { checkUnwell } from "./check-unwell.ts";
import { checkVariables } from "./check-variables.ts";
import { examineProvider, examineServer } from "./examine-provider.ts";
import { fileFacts, hasWriteAheadLog } from "./files.ts";
import { fail, ok, warn } from "./finding.ts";
import type { Finding } from "./finding.ts";

/** What a service was told, as far as checks look at it. Each absent: it was not told, and is not looked at. */
export interface Told {
  readonly publicUrl?: string;
  /** Where it listens. */
  readonly listens?: { readonly host: string; readonly port: number; readonly metricsPort?: number };
  readonly rescueFolder?: string;
  /** Where events are delivered. */
  readonly webhookUrl?: string;
}

/**
 * Looks at the store and the settings, and asks the providers whether they are there.
 *
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function examineRunning(vault: Vault, told: Told): Promise<Finding[]> {
  const providers = vault.providers.map(({ provider }) => provider);
  const asked = Promise.all(providers.map(examineOne));
  const here = await examineHere(vault, told);
  return [...here, ...(await asked).flat()];
}

async function examineHere(vault: Vault, told: Told): Promise<Finding[]> {
  const status = await vault.storeStatus();
  const { kind, location, keys } = status;
  const { listens, publicUrl, rescueFolder } = told;
  return [
    // What an app's own environment holds beside our settings is no business of ours.
    ...(listens === undefined ? [] : checkVariables(environment())),
    ok("store", `${kind} ${location}, schema ${status.schema ?? "empty"}`),
    ...(kind === "sqlite" && location !== ":memory:" ? examineFile(location) : []),
    ...status.notes.map(({ note, hint }) => warn("store connection", note, hint)),
    ...checkStanding(status.standing),
    ...checkFoundDamage(await isFoundDamaged(vault)),
    ...checkCallers(status.callers, vault.clock.now()),
    ...checkKeys(keys),
    ...(await examineGrants(vault, keys)),
    ...checkUnwell(unwellOf(vault)),
    ...checkWebhooks(status.deliveries, told.webhookUrl),
    ...(listens === undefined
      ? []
      : [
          checkRescue({ kind, location }, rescueFolder),
          checkAddress({ ...listens, publicUrl }),
          checkMetrics({ metricsPort: listens.metricsPort }),
        ]),
  ];
}

/** Whether the keeper has found the store damaged. One that does not answer has not said so. */
export async function isFoundDamaged({ figures }: Vault): Promise<boolean> {
  const keeper = await figures.keeper().catch(() => undefined);
  return keeper?.isStoreDamaged ?? false;
}

function examineFile(path: string): Finding[] {
  const file = fileFacts(path);
  return [
    ...checkDisk(file),
    ...checkMode("store file", file, "warn"),
    hasWriteAheadLog(path)
      ? ok("store log", "the database keeps a write-ahead log")
      : fail("store log", `${path} keeps no write-ahead log`, "move the database to a local disk"),
  ];
}

/** Of the grants that the dashboard has read. */
async function examineGrants({ directory }: Vault, keys: KeyStatus): Promise<Finding[]> {
  const { isWhole } = await directory.look(2_000);
  const grants = directory.search({}).length;
  const unreadable = directory
    .search({ reason: "unreadable" })
    .map(({ grantId, provider, state }) => ({ grantId, provider, state, values: [], keyIds: [] }));
  if (!isWhole && unreadable.length === 0) return [ok("grants", `of ${grants} that were read so far, each opens`)];
  return checkGrants({ grants, unreadable }, keys);
}

function unwellOf({ directory, clock }: Vault): readonly UnwellCount[] {
  const counts = new UnwellCounts(clock.now());
  for (const entry of directory.search({})) counts.add(entry);
  return counts.list();
}

function checkWebhooks(
  { waiting, dead }: { readonly waiting: number; readonly dead: number },
  url: string | undefined,
): Finding[] {
  if (dead > 0) {
    return [
      warn(
        "webhooks",
        `${dead} event${dead === 1 ? " was" : "s were"} given up after a day of tries; ${waiting} wait`,
        "see why with: onbehalf events dead; deliver them again with: onbehalf events replay",
      ),
    ];
  }
  return url === undefined && waiting === 0 ? [] : [ok("webhooks", `${waiting} events wait for their delivery`)];
}

/** Which client is kept for an MCP server, only who has the master keys can tell. */
async function examineOne(provider: Provider): Promise<Finding[]> {
  const found = await examineProvider(provider);
  if (provider.server === undefined) return found;
  return [...found, ...(await examineServer(provider, {})).filter(({ check }) => check !== "mcp client")];
}
