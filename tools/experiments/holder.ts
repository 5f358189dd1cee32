/** One process of tools/experiments/stealable-lease.ts: refreshes every grant when told to, and says when it asks. */
import { google, keyringFromKeys, movableClock, openVault } from "../../src/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { naiveRefresher } from "./naive-refresh.ts";

export interface HolderOptions {
  readonly design: "fencing" | "no fencing" | "openVault";
  readonly path: string;
  readonly masterKey: string;
  readonly grantIds: readonly string[];
  readonly standin: { readonly url: string; readonly clientId: string; readonly clientSecret: string };
}

/** Move the clock by so much, or refresh everything. */
export type ToHolder = { readonly advanceMs: number } | "refresh";
export type FromHolder = "ready" | "asking" | "done";

const { design, path, masterKey, grantIds, standin } = JSON.parse(process.argv[2] ?? "") as HolderOptions;
const clock = movableClock();
const tell = (message: FromHolder): void => {
  process.send?.(message);
};
const tellingFetch: typeof fetch = async (...request) => {
  tell("asking");
  return fetch(...request);
};

async function refresher(): Promise<(grantId: string) => Promise<unknown>> {
  if (design !== "openVault") {
    return naiveRefresher({ path, fencing: design === "fencing", clock, fetch: tellingFetch, standin });
  }
  const { clientId, clientSecret, url: baseUrl } = standin;
  const vault = await openVault({
    provider: { ...google({ clientId, clientSecret, baseUrl }), rotation: "strict" },
    store: sqlite(path),
    keyring: keyringFromKeys(masterKey),
    clock,
    fetch: tellingFetch,
  });
  // The error of a grant that is lost is counted afterwards, by what is stored.
  return (grantId) => vault.getAccessToken(grantId).catch(() => undefined);
}

const refresh = await refresher();
process.on("message", (message: ToHolder) => {
  if (message === "refresh") void Promise.all(grantIds.map(refresh)).then(() => tell("done"));
  else clock.advance(message.advanceMs);
});
process.once("disconnect", () => process.exit(0));
tell("ready");
