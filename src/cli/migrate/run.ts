import { settingsFrom, storeFrom } from "../../service/settings/config.ts";
import { settingsAmong } from "../flags.ts";
import { printJson, say } from "../terminal/print.ts";

/** Brings the schema up to date. It opens nothing that is sealed, so it needs no key. */
export async function migrate(flags: { readonly json?: boolean }): Promise<void> {
  const store = storeFrom(settingsFrom(settingsAmong(flags)));
  await store.open({ migrate: true });
  try {
    const { applied, pending } = await store.migrations();
    if (flags.json === true) printJson({ kind: store.kind, location: store.location, applied, pending });
    say(`${store.kind} ${store.location} is up to date: ${applied.at(-1) ?? "no migration"}`);
  } finally {
    await store.close();
  }
}
