import { existsSync } from "node:fs";
import { OnbehalfError, google, openVault } from "../index.ts";
import type { Store, Vault } from "../index.ts";
import { settingsFrom, storeConfig, vaultConfig } from "../service/settings/config.ts";
import type { StoreConfig } from "../service/settings/config.ts";
import { settingsAmong } from "./flags.ts";

/** Opens the store without opening what is sealed in it. Neither makes nor changes its schema. */
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
 * A vault that looks after what is stored: callers and grants. It needs no client, and works beside a running service.
 *
 * @param mayCreate whether a store that is not there yet is made
 */
export async function openWithoutClient(
  flags: object,
  { mayCreate = false }: { readonly mayCreate?: boolean } = {},
): Promise<Vault> {
  const config = storeConfig(settingsFrom(settingsAmong(flags)));
  if (!mayCreate) assertThere(config.store);
  return openVault({ ...config, provider: { ...google({}), client: "none" }, migrate: mayCreate });
}

/** A vault that can refresh and revoke. */
export async function openWithClient(flags: object): Promise<Vault> {
  const config = vaultConfig(settingsFrom(settingsAmong(flags)));
  assertThere(config.store);
  return openVault({ ...config, migrate: false });
}

/** A mistyped path would become a new, empty store, which answers every question with "nothing there". */
function assertThere({ kind, location }: Store): void {
  if (kind !== "sqlite" || location === ":memory:" || existsSync(location)) return;
  const problem = `there is no database at ${location}`;
  throw new OnbehalfError("configuration_invalid", problem, {
    hint: "give its place with --store or ONBEHALF_STORE; onbehalf serve makes a new one",
    details: { problems: [problem] },
  });
}
