/** One run of chaos: sets up services, a provider and readers, injects faults, and gathers the evidence. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateMasterKey, keyringFromKeys, openVault } from "../../src/index.ts";
import { storedAudit } from "./stored-audit.ts";
import { storedGrants } from "./stored-grants.ts";
import { postgresDatabase, sqliteFile } from "./database.ts";
import type { RunDatabase } from "./database.ts";
import { Fleet } from "./fleet.ts";
import type { ChaosOptions } from "./options.ts";
import { People } from "./people.ts";
import type { Holder } from "./people.ts";
import { isKeeper, pause, processesOf, runVariable } from "./processes.ts";
import { plainEntry, startProvider } from "./provider.ts";
import type { ProviderProcess } from "./provider.ts";
import { between, oneOf, seeded } from "../random.ts";
import { read, readToken, silentMs } from "./readers.ts";
import type { Evidence, Standing } from "./verdict.ts";
import { permissions } from "../../src/vault/http/callers.ts";

const graceSeconds = 30;
const drainMs = 60_000;
const callerName = "chaos";

interface Grants {
  /** By grant id. */
  readonly holders: ReadonlyMap<string, Holder>;
  /** The key of a caller of the services. */
  readonly key: string;
}

/**
 * Kills and stops services and keepers while they refresh grants, and gathers what is needed to judge what became of
 * these.
 *
 * @param interrupted ends the run early
 * @param say is given lines about the progress
 */
export async function runChaos(
  options: ChaosOptions,
  interrupted: AbortSignal = new AbortController().signal,
  say: (line: string) => void = () => undefined,
): Promise<Evidence> {
  if (process.platform !== "linux")
    throw new Error("npm run chaos runs on Linux only: it reads the process table in /proc");
  const run = randomUUID();
  const folder = await mkdtemp(join(tmpdir(), "onbehalf-chaos-"));
  const database = options.store === "sqlite" ? sqliteFile(folder) : await postgresDatabase();
  // Services start again and again: with a cache their code is compiled once.
  const marked = { NODE_COMPILE_CACHE: join(tmpdir(), "onbehalf-compile-cache"), ...process.env, [runVariable]: run };
  const shared = { seed: options.seed, latencyMs: options.latency, accessTokenTtlSeconds: options.ttl };
  const provider = await startProvider(
    { ...shared, rotation: options.rotation, graceSeconds, revokeFamilyOnReuse: options.rotation !== "none" },
    marked,
  );
  const second =
    options.second === "none"
      ? undefined
      : await startProvider({ ...shared, seed: options.seed + 2, kind: "oauth2", rotation: "strict" }, marked);
  const providers = second === undefined ? [provider] : [provider, second];
  const providersFile = join(folder, "providers.json");
  if (second !== undefined) await writeFile(providersFile, JSON.stringify({ providers: [plainEntry(second)] }));
  const masterKey = generateMasterKey();
  const fleet = new Fleet(
    run,
    {
      ...marked,
      ONBEHALF_STORE: database.setting,
      ONBEHALF_KEY: masterKey.expose(),
      ONBEHALF_CLIENT_ID: provider.clientId,
      ONBEHALF_CLIENT_SECRET: provider.clientSecret,
      ONBEHALF_GOOGLE_BASE_URL: provider.url,
      ONBEHALF_ROTATION: options.rotation === "grace" ? `grace:${graceSeconds}` : options.rotation,
      ONBEHALF_KEEPER: options.keeper,
      ...(second === undefined ? {} : { ONBEHALF_PROVIDERS_FILE: providersFile }),
      ONBEHALF_LOG_LEVEL: "warn",
      HOST: "127.0.0.1",
      PORT: "0",
    },
    join(folder, "services.log"),
  );
  const abandon = (): void => fleet.abandon();
  process.once("exit", abandon);
  let keepFiles = true;
  try {
    const grants = await signIn(options, providers, database, masterKey);
    await fleet.start(options.services);
    say(`${options.services} services are up; seed ${options.seed}, log in ${join(folder, "services.log")}`);

    const people = new People({ ...grants, database, masterKey });
    const readersStop = new AbortController();
    const reading = read(
      Math.max(4, options.grants),
      {
        fleet,
        grantIds: [...grants.holders.keys()],
        key: grants.key,
        random: seeded(options.seed + 1),
        accepts: async (grantId, token) => (await grants.holders.get(grantId)?.provider.accepts(token)) === true,
        people,
      },
      readersStop.signal,
    );
    await injectFaults(fleet, options, interrupted, say);
    fleet.resumeAll();
    readersStop.abort();
    const readings = await reading;
    await fleet.allUp(60_000);
    say("no more faults; looking at what became of the grants");

    const standings = await settle(fleet, people, grants);
    const stoppedWell = await fleet.stop(drainMs);
    const leftRunning = await remaining(run, providers);
    const stored = await storedGrants(database, masterKey);
    const audit = await storedAudit(database, masterKey, callerName, readings.given);
    const evidence: Evidence = {
      options,
      injectedFaults: fleet.injectedFaults,
      readings,
      audit,
      exchanges: (await Promise.all(providers.map((each) => each.exchanges()))).flat(),
      lapses: people.lapses,
      consents: people.consents,
      stoppedWell,
      leftRunning,
      grants: stored.map(({ grantId, generation }) => {
        const { standing, accepted } = standings.get(grantId) ?? { standing: "silent", accepted: false };
        const { email = "", provider: at } = grants.holders.get(grantId) ?? {};
        return { grantId, generation, email, provider: at?.record.name ?? "", standing, accepted };
      }),
    };
    keepFiles = false;
    return evidence;
  } finally {
    process.off("exit", abandon);
    fleet.abandon();
    await Promise.all(providers.map((each) => each.close()));
    await database.drop();
    if (keepFiles) say(`the run ended before its verdict; its files are in ${folder}`);
    else await rm(folder, { recursive: true, force: true });
  }
}

async function signIn(
  { grants, rotation }: ChaosOptions,
  providers: readonly ProviderProcess[],
  database: RunDatabase,
  masterKey: ReturnType<typeof generateMasterKey>,
): Promise<Grants> {
  await using vault = await openVault({
    providers: providers.map(({ record }) => record),
    store: database.open(),
    keyring: keyringFromKeys(masterKey),
  });
  const holders = new Map<string, Holder>();
  await Promise.all(
    Array.from({ length: grants }, async (_, n) => {
      const second = n % 3 === 0 ? providers[1] : undefined;
      const provider = second ?? providers[0];
      if (provider === undefined) return;
      const email = `${second === undefined ? "person" : "plain"}-${n}@example.com`;
      const { redirect_uri: redirectUri, provider: name } = provider.exchange;
      const code = await provider.code(email);
      const { grantId } = await vault.exchangeCode({
        code,
        provider: name,
        redirectUri,
        ...(second === undefined ? { source: "android" } : {}),
      });
      holders.set(grantId, { email, provider, rotation: second === undefined ? rotation : "strict" });
    }),
  );
  const { key } = await vault.callers.create(callerName, { allow: permissions });
  return { holders, key: key.expose() };
}

/** Kills and stops processes at random until the time is up. */
async function injectFaults(
  fleet: Fleet,
  options: ChaosOptions,
  interrupted: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  const random = seeded(options.seed);
  const until = performance.now() + options.minutes * 60_000;
  let reportedAt = performance.now();
  const isOver = (): boolean =>
    interrupted.aborted ||
    performance.now() >= until ||
    (options.until > 0 && fleet.injectedFaults.length >= options.until) ||
    Number.isNaN(until);
  const killProcesses = async (): Promise<void> => {
    while (options.kill !== "none" && !isOver()) {
      await pause(between(random, 300, 3_000));
      const victims = fleet.all().filter((each) => options.kill === "all" || !isKeeper(each));
      const victim = oneOf(random, victims);
      if (victim !== undefined && !isOver()) fleet.kill(victim);
    }
  };
  const pauseProcesses = async (): Promise<void> => {
    while (options.pause > 0 && !isOver()) {
      await pause(between(random, 100, 1_000));
      const victims = fleet.victims();
      const victim = oneOf(
        random,
        victims.filter(({ pid }) => !fleet.isPaused(pid)),
      );
      // Some processes always run: where all stand still, nothing can be lost and nothing is tested.
      if (victim === undefined || fleet.pausedCount >= 0.75 * victims.length || isOver()) continue;
      fleet.pause(victim, between(random, 1, 1.2) * options.pause * 1000);
    }
  };
  const reportProgress = async (): Promise<void> => {
    while (!isOver()) {
      await pause(Math.min(200, Math.max(0, until - performance.now())));
      if (performance.now() - reportedAt < 30_000) continue;
      reportedAt = performance.now();
      say(`${fleet.injectedFaults.length} faults injected, ${Math.ceil((until - reportedAt) / 1000)} s to go`);
    }
  };
  await Promise.all([killProcesses(), pauseProcesses(), reportProgress()]);
}

/** What the services say of each grant within a minute, when no more faults come. */
async function settle(
  fleet: Fleet,
  people: People,
  { holders, key }: Grants,
): Promise<Map<string, { standing: Standing; accepted: boolean }>> {
  const until = performance.now() + silentMs;
  const standings = await Promise.all(
    [...holders].map(
      async ([grantId, { provider }], n): Promise<[string, { standing: Standing; accepted: boolean }]> => {
        let standing: Standing = "silent";
        let accepted = false;
        for (let round = n; performance.now() < until; round++) {
          const service = fleet.up[round % Math.max(1, fleet.up.length)];
          const reading = service === undefined ? undefined : await readToken(service.url, grantId, key);
          if (reading?.kind === "token") {
            standing = "served";
            accepted = await provider.accepts(reading.accessToken);
            if (accepted) break;
            // The request of a process that was killed at the very end may have ended it just now. Its token lives for a
            // few seconds more, and then the grant must say that it has ended.
          }
          if (service !== undefined && reading?.kind === "flagged") {
            standing = "flagged";
            await people.flagged(grantId, reading.reason, reading.since, service.url);
          }
          await pause(200);
        }
        return [grantId, { standing, accepted }];
      },
    ),
  );
  return new Map(standings);
}

/** How many processes are left after all services have ended. Keepers finish their exchanges first; then they must end. */
async function remaining(run: string, providers: readonly ProviderProcess[]): Promise<number> {
  const others = (): number => processesOf(run).filter(({ pid }) => providers.every((each) => each.pid !== pid)).length;
  for (const until = performance.now() + drainMs; others() > 0 && performance.now() < until;) await pause(50);
  return others();
}
