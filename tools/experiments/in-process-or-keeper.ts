/**
 * `node tools/experiments/in-process-or-keeper.ts`: what kill -9 costs between the provider's answer and the commit.
 *
 * Forty grants, at a provider that replaces each refresh token and refuses the old one. A process refreshes eight of
 * them; when the provider has acted, and before its answer has arrived, the process is killed. Five times, until each
 * grant was caught once. Once with the library in that process; once with the service, which has a keeper. Counted is
 * which grants can be refreshed in the end.
 */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateMasterKey, google, keyringFromKeys, openVault } from "../../src/index.ts";
import type { Vault } from "../../src/index.ts";
import { startStandin } from "../../src/standin/index.ts";
import type { Standin } from "../../src/standin/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { allEnded, processesOf, runVariable, signal } from "../chaos/processes.ts";
import { printTable } from "./table.ts";
import { permissions } from "../../src/vault/http/callers.ts";

const grants = 40;
const atOnce = 8;
/** How long the provider's answer takes after it has acted, milliseconds. */
const latencyMs = 2_000;
/** A keeper finishes what was begun, and ends. */
const drainMs = 60_000;

interface Result {
  readonly lost: number;
  readonly kills: number;
}

async function run(how: "in process" | "keeper"): Promise<Result> {
  const runId = randomUUID();
  const folder = await mkdtemp(join(tmpdir(), "onbehalf-experiment-"));
  const path = join(folder, "grants.db");
  const masterKey = generateMasterKey().expose();
  // Tokens live so short that each request for one refreshes it.
  const standin = await startStandin({ rotation: "strict", revokeFamilyOnReuse: true, accessTokenTtlSeconds: 30 });
  const env = {
    ...process.env,
    [runVariable]: runId,
    ONBEHALF_STORE: `sqlite:${path}`,
    ONBEHALF_KEY: masterKey,
    ONBEHALF_CLIENT_ID: standin.clientId,
    ONBEHALF_CLIENT_SECRET: standin.clientSecret,
    ONBEHALF_GOOGLE_BASE_URL: standin.url,
    ONBEHALF_ROTATION: "strict",
    ONBEHALF_KEEPER: how === "keeper" ? "process" : "none",
    ONBEHALF_LOG_LEVEL: "silent",
    HOST: "127.0.0.1",
    PORT: "0",
  };
  try {
    const { grantIds, key } = await signIn(standin, path, masterKey);
    let kills = 0;
    for (let first = 0; first < grants; first += atOnce) {
      // The same service either way: without a keeper, it exchanges by itself as the library does.
      const service = fork(new URL("../chaos/service.ts", import.meta.url), { env, stdio: ["ignore", 2, 2, "ipc"] });
      const url = await urlOf(service);
      standin.fault("POST", "/token", { times: "always", after: "answer", delayMs: latencyMs });
      const before = refreshesIn(standin);
      for (const grantId of grantIds.slice(first, first + atOnce)) void askFor(url, grantId, key);
      while (refreshesIn(standin) < before + atOnce) await sleep(10);
      const gone = new Promise((resolve) => service.once("exit", resolve));
      service.kill("SIGKILL");
      await gone;
      kills += 1;
      if (!(await allEnded(runId, drainMs))) throw new Error("a keeper went on for a minute");
      standin.clearFaults();
    }
    await using vault = await open(standin, path, masterKey);
    let lost = 0;
    for (const grantId of grantIds) {
      await vault.getAccessToken(grantId).catch(() => (lost += 1));
    }
    return { lost, kills };
  } finally {
    for (const { pid } of processesOf(runId)) signal(pid, "SIGKILL");
    await standin.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function signIn(
  standin: Standin,
  path: string,
  masterKey: string,
): Promise<{ readonly grantIds: readonly string[]; readonly key: string }> {
  await using vault = await open(standin, path, masterKey);
  const emails = Array.from({ length: grants }, (_, n) => `person-${n}@example.com`);
  const consents = emails.map((email) =>
    vault.exchangeCode({ code: standin.code({ kind: "native", email, scope: "openid email" }) }),
  );
  const grantIds = (await Promise.all(consents)).map(({ grantId }) => grantId);
  return { grantIds, key: (await vault.callers.create("experiment", { allow: permissions })).key.expose() };
}

function open(standin: Standin, path: string, masterKey: string): Promise<Vault> {
  const { clientId, clientSecret, url: baseUrl } = standin;
  return openVault({
    provider: { ...google({ clientId, clientSecret, baseUrl }), rotation: "strict" },
    store: sqlite(path),
    keyring: keyringFromKeys(masterKey),
    // Behind: what is good for 30 seconds by this clock has ended.
    clock: { now: () => Date.now() - 50_000 },
  });
}

/** Refreshes on which the provider has acted, whether or not anybody heard its answer. */
function refreshesIn(standin: Standin): number {
  return standin.log().entries.filter(({ outcome }) => outcome === "refreshed").length;
}

/** Nobody is there to hear the answer: its service is killed first. */
async function askFor(url: string, grantId: string, key: string): Promise<void> {
  await fetch(`${url}/v1/grants/${grantId}/token`, { headers: { authorization: `Bearer ${key}` } }).catch(
    () => undefined,
  );
}

function urlOf(service: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    service.once("message", (message) => resolve((message as { url: string }).url));
    service.once("exit", (code) => reject(new Error(`the service ended with ${code}`)));
  });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

if (process.platform !== "linux") throw new Error("this reads the process table of Linux, and runs nowhere else");
process.stdout.write(
  `${grants} grants, strict rotation; kill -9 with ${atOnce} answers under way, until each grant was caught once\n`,
);
const inProcess = await run("in process");
const withKeeper = await run("keeper");
printTable(
  ["refresh tokens are opened by", "kills", "lost"],
  [
    ["the process that was killed", inProcess.kills, `${inProcess.lost} of ${grants}`],
    ["a keeper, which outlives it", withKeeper.kills, `${withKeeper.lost} of ${grants}`],
  ],
);
process.exitCode = withKeeper.lost === 0 ? 0 : 1;
