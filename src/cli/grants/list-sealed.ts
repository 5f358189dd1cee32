import { defined } from "../../core/defined.ts";
import { asItStands } from "../../core/grant-state.ts";
import { storeFrom } from "../../service/settings/config.ts";
import type { Settings } from "../../service/settings/config.ts";
import type { GrantQuery } from "../../index.ts";
import { assertThere } from "../open-vault.ts";
import { printLines, say, table } from "../terminal/print.ts";

/** Whether there is no master key, so that nothing sealed can be read. */
export function isWithoutKey({ key, keyFile, keyCommand }: Settings): boolean {
  return key === undefined && keyFile === undefined && keyCommand === undefined;
}

/** Lists a page of grants as far as they can be read without the master key: whose they are is sealed. */
export async function listSealed(
  settings: Settings,
  { state, provider, limit = 50, cursor: after }: GrantQuery,
): Promise<void> {
  const store = storeFrom(settings);
  assertThere(store);
  await store.open({ migrate: false });
  try {
    const at = Date.now();
    const rows = await store.listGrants(defined({ state, at, after, limit: limit + 1 }));
    const page = rows.slice(0, limit).map((row) => asItStands(row, at));
    const listed = page.filter((row) => provider === undefined || row.provider === provider);
    if (listed.length === 0) say("no grant fits this search");
    printLines(
      table(
        ["GRANT", "STATE", "PROVIDER", "OFFLINE", "LAST REFRESH"],
        listed.map((row) => [
          row.grantId,
          row.reason === null ? row.state : `${row.state} (${row.reason})`,
          row.provider,
          row.refreshSealed === null ? "no" : "yes",
          row.lastRefreshAt === null ? "never" : new Date(row.lastRefreshAt).toISOString(),
        ]),
      ),
    );
    if (rows.length > limit) say(`there are more grants; see them with --cursor ${page.at(-1)?.grantId ?? ""}`);
    say(
      "no master key is set, so that nobody can tell whose these are; set ONBEHALF_KEY_FILE to see people and external ids",
    );
  } finally {
    await store.close();
  }
}
