import { existsSync } from "node:fs";
import { google, openVault } from "../index.ts";
import type { Store, Vault } from "../index.ts";
import { configurationInvalid } from "../core/errors.ts";
import { settingsFrom, storeConfig, vaultConfig } from "../service/settings/config.ts";
import type { StoreConfig } from "../service/settings/config.ts";
import { settingsAmong } from "./flags.ts";

/** How the audit log calls whoever runs a command. */
export const auditName = "@operator";

/** Opens the store alone: nothing sealed is opened, and the schema is neither created nor changed. */
export async function withKeys<T>(flags: object, work: (config: StoreConfig) => Promise<T>): Promise<T> {
  const config = storeConfig(settingsFrom(settingsAmong(flags)));
  assertThere(config.store);
  await config.store.open({ migrate: false });
  try {
    return await work(config);
  } finally {
    await config.store.close();
  }
}

/**
 * A vault that looks after what is stored: callers and grants. It needs no client, and may be open beside a running service.
 *
 * @param mayCreate whether to create the store where there is none
 */
export async function openWithoutClient(
  flags: object,
  { mayCreate = false }: { readonly mayCreate?: boolean } = {},
): Promise<Vault> {
  const config = storeConfig(settingsFrom(settingsAmong(flags)));
  if (!mayCreate) assertThere(config.store);
  return openVault({ ...config, provider: { ...google({}), client: "none" }, migrate: mayCreate, auditName });
}

/** A vault that can refresh and revoke. */
export async function openWithClient(flags: object): Promise<Vault> {
  const config = vaultConfig(settingsFrom(settingsAmong(flags)));
  assertThere(config.store);
  // A token that is printed leaves, too.
  return openVault({ ...config, migrate: false, audit: "all", auditName });
}

/** Refuses a path without a database: a mistyped one would become a new, empty store that has no grants to show. */
export function assertThere({ kind, location }: Store): void {
  if (kind !== "sqlite" || location === ":memory:" || existsSync(location)) return;
  throw configurationInvalid(
    `there is no database at ${location}`,
    "say where it is with --store or ONBEHALF_STORE; onbehalf serve creates a new one",
  );
}
