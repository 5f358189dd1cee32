/** An app whose vault has its keeper in a process of its own. Does one thing with it, and prints what came of it. */
import { google, keyringFromEnv, keyringFromFile, openVault } from "../../src/index.ts";
import type { Provider } from "../../src/index.ts";
import { storeAt } from "../support/store-process.ts";

/** In its environment: the master key. */
export const keyVariable = "ONBEHALF_TEST_KEY";

export interface AppPlan {
  /** `sqlite:PATH` or a PostgreSQL connection string. */
  readonly where: string;
  readonly standin: { readonly url: string; readonly clientId: string; readonly clientSecret: string };
  readonly rotation: Provider["rotation"];
  /** The keeper's program. Default: the package's own. */
  readonly program?: string;
  /** Refreshed, or read. Absent: the code is exchanged. */
  readonly grantId?: string;
  readonly code?: string;
  /** Files with the master key and with Google's client. Absent: a variable and the plan have them. */
  readonly files?: { readonly key: string; readonly client: string };
  /** What it does at the end. Default: `close`. `nothing`: it has nothing to do any more. `stay`: it waits to be ended. */
  readonly end?: "close" | "nothing" | "stay";
}

if (process.argv[1] === import.meta.filename) {
  const {
    where,
    standin,
    rotation,
    program,
    grantId,
    code = "",
    files,
    end,
  } = JSON.parse(process.argv[2] ?? "") as AppPlan;
  const { clientId, clientSecret, url: baseUrl } = standin;
  const client = files === undefined ? { clientId, clientSecret } : { clientSecretFile: files.client };
  const vault = await openVault({
    provider: { ...google({ ...client, baseUrl }), rotation },
    store: storeAt(where),
    keyring: files === undefined ? keyringFromEnv(keyVariable) : keyringFromFile(files.key),
    keeper: "process",
    ...(program === undefined ? {} : { keeperProgram: program }),
  });
  if (grantId === undefined) process.stdout.write(`${(await vault.exchangeCode({ code })).grantId}\n`);
  else process.stdout.write(`${(await vault.getAccessToken(grantId)).token}\n`);
  if (end === "stay") setInterval(() => undefined, 60_000);
  if (end === undefined || end === "close") await vault.close();
}
