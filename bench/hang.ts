/**
 * `npm run bench:hang`: what it costs those who read a valid token that the provider hangs on the refreshes of 200
 * strangers, as a ratio of 99th percentiles: a service with strangers against one without, in turn and in one run, so
 * that a noisy machine is noisy for both.
 */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateMasterKey, google, keyringFromKeys, openVault } from "../src/index.ts";
import { sqlite } from "../src/store/sqlite/index.ts";
import { startProvider } from "../tools/chaos/provider.ts";
import type { ProviderProcess } from "../tools/chaos/provider.ts";
import { load } from "./load.ts";
import { quantile } from "./quantile.ts";
import { permissions } from "../src/vault/http/callers.ts";

const strangers = Number(process.env["BENCH_STRANGERS"] ?? 200);
const waves = Number(process.env["BENCH_WAVES"] ?? 3);
const requests = Number(process.env["BENCH_REQUESTS"] ?? 2_000);
const connections = 8;
/** Just less than an exchange may take: after a failure the breaker would turn the next wave away at once. */
const hangMs = 29_000;
/** A wave is measured for so long: from when all strangers hang until the first of them is given up. */
const measuredMs = 20_000;

interface Place {
  readonly child: ChildProcess;
  readonly port: number;
  /** Asks for a token that is valid for an hour. */
  readonly head: string;
  /** Asks for tokens that have to be refreshed first. */
  readonly strangers: readonly string[];
  readonly key: string;
}

async function open(folder: string, name: string, provider: ProviderProcess, tired: number): Promise<Place> {
  const path = join(folder, `${name}.db`);
  const masterKey = generateMasterKey();
  const vault = await openVault({
    provider: google({ clientId: provider.clientId, clientSecret: provider.clientSecret, baseUrl: provider.url }),
    store: sqlite(path),
    keyring: keyringFromKeys(masterKey),
    // Behind: what is good for 30 seconds by this clock has ended.
    clock: { now: () => Date.now() - 50_000 },
  });
  const signIn = async (email: string): Promise<string> =>
    (await vault.exchangeCode({ code: await provider.code(email) })).grantId;
  await provider.settings({ access_token_ttl_seconds: 3_600 });
  const reader = await signIn(`${name}@example.com`);
  // Ended when they come: strangers' tokens have to be refreshed when somebody asks.
  await provider.settings({ access_token_ttl_seconds: 30 });
  const ids = await Promise.all(Array.from({ length: tired }, (_, n) => signIn(`stranger-${n}@example.com`)));
  const { key } = await vault.callers.create("bench", { allow: permissions });
  await vault.close();

  const child = fork(new URL("../tools/chaos/service.ts", import.meta.url), {
    env: {
      ...process.env,
      ONBEHALF_STORE: `sqlite:${path}`,
      ONBEHALF_KEY: masterKey.expose(),
      ONBEHALF_CLIENT_ID: provider.clientId,
      ONBEHALF_CLIENT_SECRET: provider.clientSecret,
      ONBEHALF_GOOGLE_BASE_URL: provider.url,
      ONBEHALF_LOG_LEVEL: "silent",
      PORT: "0",
    },
  });
  const { url } = await new Promise<{ url: string }>((resolve, reject) => {
    child.once("message", (message) => resolve(message as { url: string }));
    child.once("exit", () => reject(new Error("a service did not start")));
  });
  const { port } = new URL(url);
  const authorization = `Authorization: Bearer ${key.expose()}`;
  return {
    child,
    port: Number(port),
    head: `GET /v1/grants/${reader}/token HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${authorization}`,
    strangers: ids.map((id) => `${url}/v1/grants/${id}/token?min_ttl_seconds=60`),
    key: key.expose(),
  };
}

const folder = await mkdtemp(join(tmpdir(), "onbehalf-bench-"));
const provider = await startProvider({ seed: 1, latencyMs: 0 });
const places = [await open(folder, "idle", provider, 0), await open(folder, "busy", provider, strangers)] as const;
const [idle, busy] = places;
try {
  for (const { port, head } of places) await load(port, head, requests, connections);
  await provider.fault({ path: "/token", times: "always", delay_ms: hangMs });
  const all: Record<"idle" | "busy", number[]> = { idle: [], busy: [] };
  const ratios: number[] = [];
  for (let wave = 1; wave <= waves; wave++) {
    const waiting = busy.strangers.map(async (url) => {
      const response = await fetch(url, { headers: { authorization: `Bearer ${busy.key}` } });
      await response.arrayBuffer();
      return response.status;
    });
    // Until the last of them has had its turn at the provider.
    await new Promise((resolve) => setTimeout(resolve, 1_000 * (1 + strangers / 50)));
    for (const until = performance.now() + measuredMs; performance.now() < until;) {
      const without = await load(idle.port, idle.head, requests, connections);
      const beside = await load(busy.port, busy.head, requests, connections);
      all.idle.push(...without);
      all.busy.push(...beside);
      ratios.push(quantile(beside, 0.99) / quantile(without, 0.99));
    }
    const statuses = await Promise.all(waiting);
    process.stderr.write(
      `wave ${wave}: ${ratios.length} rounds so far; strangers were told ${[...new Set(statuses)].join(", ")}\n`,
    );
  }
  const ms = (value: number): string => `${value.toFixed(2)} ms`;
  process.stdout.write(
    `reading a valid token while the provider hangs on ${strangers} strangers' refreshes, against an idle service:\n` +
      `  99th percentile ${ms(quantile(all.busy, 0.99))} / ${ms(quantile(all.idle, 0.99))} = ` +
      `${(quantile(all.busy, 0.99) / quantile(all.idle, 0.99)).toFixed(2)}, median of ${ratios.length} rounds ` +
      `${quantile(ratios, 0.5).toFixed(2)}; 50th ${ms(quantile(all.busy, 0.5))} / ${ms(quantile(all.idle, 0.5))}\n`,
  );
} finally {
  await provider.clearFaults();
  for (const { child } of places) child.kill("SIGTERM");
  await Promise.all(places.map(({ child }) => new Promise((resolve) => child.once("exit", resolve))));
  await provider.close();
  await rm(folder, { recursive: true, force: true });
}
