/** An app whose vault has its keeper in a process of its own. Does one thing with it, and prints what came of it. */
import { google, keyringFromEnv, openVault } from "../../src/index.ts";
import type { Provider } from "../../src/index.ts";
import { storeAt } from "../support/store-process.ts";

/** In its environment: the master key. */
export const keyVariable = "ONBEHALF_TEST_KEY";

export interface AppPlan {
  /** `sqlite:PATH` or a PostgreSQL connection string. */
  readonly where: string;
  readonly standin: { readonly url: string; readonly clientId: string; readonly clientSecret: string };
  readonly rotation: Provider["rotation"];
  /** Default: the package's own. */
  readonly program?: string;
  /** Refreshed, or read. Absent: the code is exchanged. */
  readonly grantId?: string;
  readonly code?: string;
}

if (process.argv[1] === import.meta.filename) {
  const { where, standin, rotation, program, grantId, code = "" } = JSON.parse(process.argv[2] ?? "") as AppPlan;
  const { clientId, clientSecret, url: baseUrl } = standin;
  const vault = await openVault({
    provider: { ...google({ clientId, clientSecret, baseUrl }), rotation },
    store: storeAt(where),
    keyring: keyringFromEnv(keyVariable),
    keeper: "process",
    ...(program === undefined ? {} : { keeperProgram: program }),
  });
  if (grantId === undefined) process.stdout.write(`${(await vault.exchangeCode({ code })).grantId}\n`);
  else process.stdout.write(`${(await vault.getAccessToken(grantId)).token}\n`);
  await vault.close();
}
