/** A vault that kills its own process, as `kill -9` does, at one step that a refresh makes in its store. */
import { google, keyringFromKeys, openVault } from "../../src/index.ts";
import type { Provider } from "../../src/index.ts";
import { storeAt } from "../support/store-process.ts";
import { faultyStore } from "./faulty-store.ts";
import type { FaultKind } from "./faulty-store.ts";

export interface CrashPlan {
  /** `sqlite:PATH` or a PostgreSQL connection string. */
  readonly where: string;
  readonly key: string;
  readonly standin: { readonly url: string; readonly clientId: string; readonly clientSecret: string };
  readonly rotation: Provider["rotation"];
  readonly grantId: string;
  readonly step: number;
  readonly kind: FaultKind;
}

const { where, key, standin, rotation, grantId, step, kind } = JSON.parse(process.argv[2] ?? "") as CrashPlan;
const { clientId, clientSecret, url: baseUrl } = standin;
const { store, faults } = faultyStore(storeAt(where), () => process.kill(process.pid, "SIGKILL"));
const vault = await openVault({
  provider: { ...google({ clientId, clientSecret, baseUrl }), rotation },
  store,
  keyring: keyringFromKeys(key),
});
faults.arm(grantId, step, kind);
await vault.getAccessToken(grantId);
await vault.close();
