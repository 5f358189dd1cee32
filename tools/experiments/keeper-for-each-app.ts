/** An app that opens a vault, reads a token that lives, and prints what it and its keeper have used: for keeper-for-each.ts. */
import { readFileSync } from "node:fs";
import type * as Library from "../../src/index.ts";
import type * as Sqlite from "../../src/store/sqlite/index.ts";

export interface Spent {
  readonly wallMs: number;
  readonly appCpuMs: number;
  readonly keeperCpuMs: number;
  readonly appMb: number;
  readonly keeperMb: number;
}

export interface AppOptions {
  readonly root: string;
  readonly path: string;
  readonly key: string;
  readonly standin: { readonly url: string; readonly clientId: string; readonly clientSecret: string };
  readonly grantId: string;
  readonly keeper: "process" | "in-process";
}

async function app({ root, path, key, standin, grantId, keeper }: AppOptions): Promise<void> {
  const extension = root.endsWith("dist/") ? "js" : "ts";
  const library = (await import(`${root}index.${extension}`)) as typeof Library;
  const { sqlite } = (await import(`${root}store/sqlite/index.${extension}`)) as typeof Sqlite;
  const { clientId, clientSecret, url: baseUrl } = standin;
  const vault = await library.openVault({
    provider: library.google({ clientId, clientSecret, baseUrl }),
    store: sqlite(path),
    keyring: library.keyringFromKeys(key),
    keeper,
  });
  await vault.getAccessToken(grantId);
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, "latin1").trim();
  const { user, system } = process.cpuUsage();
  const spent: Omit<Spent, "wallMs"> = {
    appCpuMs: (user + system) / 1_000,
    keeperCpuMs: children === "" ? 0 : cpuMsOf(children),
    appMb: ownMemoryOf("self"),
    keeperMb: children === "" ? 0 : ownMemoryOf(children),
  };
  await vault.close();
  process.stdout.write(JSON.stringify(spent));
}

/** User and system time of a process; Linux counts in hundredths of a second. */
function cpuMsOf(pid: string): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const [, , , , , , , , , , , user = "0", system = "0"] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(user) + Number(system)) * 10;
}

/** What no other process shares. */
function ownMemoryOf(pid: string): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "latin1");
  const own = [...rollup.matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB/gm)];
  return own.reduce((sum, [, kB]) => sum + Number(kB), 0) / 1_024;
}

await app(JSON.parse(process.argv[2] ?? "") as AppOptions);
