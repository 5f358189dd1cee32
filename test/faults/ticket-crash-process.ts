/** A vault that kills its own process, as `kill -9` does, at one step that a sign-in with a ticket makes in its store. */
import { google, keyringFromKeys, openVault } from "../../src/index.ts";
import { storeAt } from "../support/store-process.ts";
import { countedStore } from "./counted-store.ts";

export interface TicketCrash {
  /** `sqlite:PATH` or a PostgreSQL connection string. */
  readonly where: string;
  readonly key: string;
  readonly standin: { readonly url: string; readonly clientId: string; readonly clientSecret: string };
  readonly code: string;
  readonly ticket: string;
  /** Of somebody who signs in before that, so that the provider's keys are in memory. */
  readonly codeBefore?: string;
  readonly step: number;
  readonly kind: "before" | "after";
}

const { where, key, standin, code, ticket, codeBefore, step, kind } = JSON.parse(process.argv[2] ?? "") as TicketCrash;
const { clientId, clientSecret, url: baseUrl } = standin;
const { store, faults } = countedStore(storeAt(where), () => process.kill(process.pid, "SIGKILL"));
const vault = await openVault({
  provider: google({ clientId, clientSecret, baseUrl }),
  store,
  keyring: keyringFromKeys(key),
});
if (codeBefore !== undefined) await vault.exchangeCode({ code: codeBefore });
faults.arm(step, kind);
await vault.exchangeCode({ code, ticket });
faults.disarm();
await vault.close();
