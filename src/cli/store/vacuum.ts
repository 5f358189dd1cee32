import { settingsFrom, storeFrom } from "../../service/settings/config.ts";
import { settingsAmong } from "../flags.ts";
import { printJson, say } from "../terminal/print.ts";

/** Gives back the space of rows that are gone. It changes no schema, and opens nothing that is sealed. */
export async function vacuum(flags: { readonly json?: boolean }): Promise<void> {
  const store = storeFrom(settingsFrom(settingsAmong(flags)));
  const { kind, location } = store;
  await store.open({ migrate: false });
  try {
    const done = await store.vacuum?.();
    if (flags.json === true) printJson({ kind, location, vacuumed: done !== undefined, ...done });
    if (done === undefined) {
      say(`${kind} ${location} gives space back by itself: nothing was done`);
      if (kind === "postgres") say("hint: see that autovacuum runs; VACUUM FULL is for its operator to run");
    } else say(`${kind} ${location} takes ${megabytes(done.after)} MB, and took ${megabytes(done.before)} MB`);
  } finally {
    await store.close();
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
