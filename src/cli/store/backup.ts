import { configurationInvalid } from "../../core/errors.ts";
import { settingsFrom, storeFrom } from "../../service/settings/config.ts";
import { settingsAmong } from "../flags.ts";
import { assertThere } from "../open-vault.ts";
import { printJson, say } from "../terminal/print.ts";

/** Copies the database as it is now. It opens nothing that is sealed, and needs no master key. */
export async function backup(file: string, flags: { readonly json?: boolean }): Promise<void> {
  const store = storeFrom(settingsFrom(settingsAmong(flags)));
  const { kind, location } = store;
  assertThere(store);
  if (store.backup === undefined) {
    throw configurationInvalid(`onbehalf makes no backup of ${kind}`, "use pg_dump, or what your provider has for it");
  }
  await store.open({ migrate: false });
  try {
    const { bytes } = await store.backup(file);
    if (flags.json === true) printJson({ kind, location, backup: file, bytes });
    say(`${kind} ${location} is copied to ${file}, ${(bytes / 1e6).toFixed(1)} MB; keep it apart from the master key`);
  } finally {
    await store.close();
  }
}
