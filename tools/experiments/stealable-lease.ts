/**
 * `node tools/experiments/stealable-lease.ts`: what a stealable lease costs: one that others take when it is old.
 *
 * Three processes want the same forty grants. One of them begins, and is stopped (SIGSTOP) in mid-exchange for longer
 * than its stealable lease lasts; then it goes on. The provider gives a new refresh token with each refresh and refuses the old one, or
 * ends the whole family when the old one comes again. Counted is which grants can be refreshed in the end.
 */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateMasterKey, google, keyringFromKeys, movableClock, openVault } from "../../src/index.ts";
import { startStandin } from "../../src/standin/index.ts";
import type { Standin } from "../../src/standin/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import type { FromHolder, HolderOptions, ToHolder } from "./holder.ts";
import { leaseMs, naiveFile, naiveTokens } from "./naive-refresh.ts";
import { printTable } from "./table.ts";

const grants = 40;
const processes = 3;
/** How long the provider takes to answer, after it has acted, milliseconds. */
const latencyMs = 2_000;
/** How long each holder is stopped, milliseconds; the last one for longer than an exchange may take in all. */
const pausesMs = [2 * leaseMs, 2 * leaseMs, 35_000];
const hourMs = 3_700_000;

interface Result {
  readonly lost: number;
  readonly exchanges: number;
  readonly reused: number;
}

async function run(design: HolderOptions["design"], revokeFamilyOnReuse: boolean): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), "onbehalf-experiment-"));
  const path = join(folder, "grants.db");
  const masterKey = generateMasterKey().expose();
  const clock = movableClock();
  const standin = await startStandin({ clock, rotation: "strict", revokeFamilyOnReuse });
  const holders: ChildProcess[] = [];
  try {
    const grantIds = await signIn(design, standin, path, masterKey);
    standin.fault("POST", "/token", { times: "always", after: "answer", delayMs: latencyMs });
    const { url, clientId, clientSecret } = standin;
    const options: HolderOptions = { design, path, masterKey, grantIds, standin: { url, clientId, clientSecret } };
    for (let n = 0; n < processes; n++) {
      holders.push(fork(new URL("holder.ts", import.meta.url), [JSON.stringify(options)]));
    }
    await Promise.all(holders.map((holder) => next(holder, "ready")));
    for (const [round, pauseMs] of pausesMs.entries()) {
      clock.advance(hourMs);
      await oneRound(holders, round, pauseMs);
    }
    for (const holder of holders) holder.disconnect();
    standin.clearFaults();
    clock.advance(hourMs);
    const { entries } = standin.log();
    const refreshes = entries.filter(({ parameters }) => parameters["grant_type"] === "refresh_token");
    const living = await stillLiving(design, standin, path, masterKey, grantIds, clock);
    return {
      lost: grants - living,
      exchanges: refreshes.length,
      reused: refreshes.filter(({ outcome }) => outcome === "reused_token").length,
    };
  } finally {
    for (const holder of holders) holder.kill("SIGKILL");
    await standin.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** One of the processes begins and is stopped while it waits for the provider; the others come meanwhile. */
async function oneRound(holders: readonly ChildProcess[], round: number, pauseMs: number): Promise<void> {
  const victim = holders[round % holders.length];
  if (victim === undefined) return;
  const all = Promise.all(holders.map((holder) => next(holder, "done")));
  const asking = next(victim, "asking", grants);
  send(victim, { advanceMs: hourMs });
  send(victim, "refresh");
  await asking;
  // Its requests have arrived, and none of the answers has.
  await sleep(latencyMs / 8);
  victim.kill("SIGSTOP");
  // Only now does an hour pass for the others: a vault would refresh ahead, and begin before the one that is to begin.
  for (const holder of holders.filter((each) => each !== victim)) {
    send(holder, { advanceMs: hourMs });
    send(holder, "refresh");
  }
  await sleep(pauseMs);
  victim.kill("SIGCONT");
  await all;
}

/** Forty people consent. Returns the ids of their grants. */
async function signIn(
  design: HolderOptions["design"],
  standin: Standin,
  path: string,
  masterKey: string,
): Promise<string[]> {
  const emails = Array.from({ length: grants }, (_, n) => `person-${n}@example.com`);
  const codes = emails.map((email) => standin.code({ kind: "native", email, scope: "openid email" }));
  if (design === "openVault") {
    await using vault = await openOurs(standin, path, masterKey);
    return await Promise.all(codes.map(async (code) => (await vault.exchangeCode({ code })).grantId));
  }
  const tokens = new Map<string, string>();
  for (const [n, code] of codes.entries()) {
    const { refresh_token: token } = await ask(standin, { grant_type: "authorization_code", code, redirect_uri: "" });
    tokens.set(emails[n] ?? "", String(token));
  }
  naiveFile(path, tokens);
  return emails;
}

/** How many grants can still be refreshed, by what is stored. */
async function stillLiving(
  design: HolderOptions["design"],
  standin: Standin,
  path: string,
  masterKey: string,
  grantIds: readonly string[],
  clock: ReturnType<typeof movableClock>,
): Promise<number> {
  let living = 0;
  if (design === "openVault") {
    await using vault = await openOurs(standin, path, masterKey, clock);
    for (const grantId of grantIds) {
      await vault.getAccessToken(grantId).then(
        () => (living += 1),
        () => undefined,
      );
    }
    return living;
  }
  for (const refreshToken of naiveTokens(path).values()) {
    const answer = await ask(standin, { grant_type: "refresh_token", refresh_token: refreshToken });
    if ("access_token" in answer) living += 1;
  }
  return living;
}

function openOurs(standin: Standin, path: string, masterKey: string, clock = movableClock()) {
  const { clientId, clientSecret, url: baseUrl } = standin;
  return openVault({
    provider: { ...google({ clientId, clientSecret, baseUrl }), rotation: "strict" },
    store: sqlite(path),
    keyring: keyringFromKeys(masterKey),
    clock,
  });
}

async function ask(standin: Standin, parameters: Record<string, string>): Promise<Record<string, unknown>> {
  const client = { client_id: standin.clientId, client_secret: standin.clientSecret };
  const body = new URLSearchParams({ ...parameters, ...client });
  return (await (await fetch(`${standin.url}/token`, { method: "POST", body })).json()) as Record<string, unknown>;
}

/** Waits until a process has said this so often. */
function next(holder: ChildProcess, wanted: FromHolder, times = 1): Promise<void> {
  let left = times;
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`no process said "${wanted}" for two minutes`)), 120_000).unref();
    const look = (message: unknown): void => {
      if (message !== wanted) return;
      left -= 1;
      if (left > 0) return;
      holder.off("message", look);
      resolve();
    };
    holder.on("message", look);
    holder.once("exit", (code) => reject(new Error(`a process ended with ${code}`)));
  });
}

function send(holder: ChildProcess, message: ToHolder): void {
  holder.send(message);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

process.stdout.write(
  `${processes} processes, ${grants} grants, strict rotation; holders stopped for ` +
    `${pausesMs.map((ms) => ms / 1000).join(", ")} s in mid-exchange\n`,
);
const designs = ["no fencing", "fencing", "openVault"] as const;
const runs = designs.flatMap((design) => [false, true].map((endsFamily) => ({ design, endsFamily })));
// Side by side: they spend their time waiting.
const rows = await Promise.all(
  runs.map(async ({ design, endsFamily }) => {
    const { lost, exchanges, reused } = await run(design, endsFamily);
    return [
      design === "openVault" ? design : `stealable lease, ${leaseMs / 1000} s, ${design}`,
      endsFamily ? "ends the family" : "is refused",
      `${lost} of ${grants}`,
      exchanges,
      reused,
    ] as const;
  }),
);
printTable(["design", "a used token that comes again", "lost", "exchanges", "used tokens sent again"], rows);
process.exitCode = rows.some(([design, , lost]) => design === "openVault" && lost !== `0 of ${grants}`) ? 1 : 0;
