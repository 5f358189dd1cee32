/**
 * `node tools/experiments/keeper-for-each.ts [--built]`: what it costs that each short process has a keeper's process.
 *
 * Apps that open a vault over one SQLite file, read a token that lives, and close it, one after the other and twelve at
 * once: with the keeper in the process, and with a process for it. Counted are the time from start to end, the processor
 * time of the app and of its keeper, and the memory that each has for itself. `--built`: from dist/, as npm installs it.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { generateMasterKey, google, keyringFromKeys, openVault } from "../../src/index.ts";
import { startStandin } from "../../src/standin/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import type { AppOptions, Spent } from "./keeper-for-each-app.ts";
import { printTable } from "./table.ts";

const rounds = 7;
const atOnce = 12;
const program = fileURLToPath(new URL("keeper-for-each-app.ts", import.meta.url));

await measure();

async function measure(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "onbehalf-experiment-"));
  const standin = await startStandin();
  const key = generateMasterKey();
  const { url, clientId, clientSecret } = standin;
  const path = join(folder, "grants.db");
  const vault = await openVault({
    provider: google({ clientId, clientSecret, baseUrl: url }),
    store: sqlite(path),
    keyring: keyringFromKeys(key),
  });
  const { grantId } = await vault.exchangeCode({ code: standin.code({ email: "ada@example.com", scope: "openid" }) });
  await vault.close();
  const root = new URL(process.argv.includes("--built") ? "../../dist/" : "../../src/", import.meta.url).href;
  const runOne = async (keeper: AppOptions["keeper"]): Promise<Spent> => {
    const plan: AppOptions = {
      root,
      path,
      key: key.expose(),
      standin: { url, clientId, clientSecret },
      grantId,
      keeper,
    };
    const begun = performance.now();
    const child = spawn(process.execPath, [program, JSON.stringify(plan)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [output] = await Promise.all([text(child.stdout), once(child, "exit")]);
    return { ...(JSON.parse(output) as Omit<Spent, "wallMs">), wallMs: performance.now() - begun };
  };
  const kinds = ["in-process", "process"] as const;
  const spent = new Map<string, Spent[]>(kinds.map((kind) => [kind, []]));
  // In turn, so that whatever else the machine does falls upon both.
  for (let round = 0; round < rounds; round++) {
    for (const kind of kinds) spent.get(kind)?.push(await runOne(kind));
  }
  const burst = new Map<string, number>();
  for (const kind of kinds) {
    const begun = performance.now();
    await Promise.all(Array.from({ length: atOnce }, () => runOne(kind)));
    burst.set(kind, performance.now() - begun);
  }
  const median = (kind: string, name: keyof Spent): string => {
    const values = (spent.get(kind) ?? []).map((each) => each[name]).sort((a, b) => a - b);
    return Math.round(values[Math.floor(values.length / 2)] ?? 0).toString();
  };
  printTable(
    [
      "keeper",
      "start to end, ms",
      "CPU of the app, ms",
      "of its keeper",
      "memory of the app, MB",
      "of its keeper",
      `${atOnce} at once, ms`,
    ],
    kinds.map((kind) => [
      kind,
      median(kind, "wallMs"),
      median(kind, "appCpuMs"),
      median(kind, "keeperCpuMs"),
      median(kind, "appMb"),
      median(kind, "keeperMb"),
      Math.round(burst.get(kind) ?? 0),
    ]),
  );
  await standin.close();
  await rm(folder, { recursive: true, force: true });
}
