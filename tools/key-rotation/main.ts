/**
 * `node tools/key-rotation/main.ts --store sqlite|postgres --grants 100000`: data keys are replaced on a large store while
 * two services answer callers and refresh, and one of them is killed with its keeper every five seconds (kill -9). All the
 * while somebody opens every value of every grant. Exits 1 where one did not open, an answer was wrong, or anything is left
 * under an old key.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { keyClasses, sealingClasses } from "../../src/crypto/keyring.ts";
import { sealedUnder } from "../../src/crypto/sealing.ts";
import {
  generateMasterKey,
  google,
  isOnbehalfError,
  keyStatus,
  keyringFromKeys,
  openVault,
  rotateDataKeys,
} from "../../src/index.ts";
import type { GrantRow } from "../../src/store/grant-row.ts";
import { openAccessToken, openPerson } from "../../src/vault/grants/sealed-grant.ts";
import { openRefreshToken } from "../../src/vault/keeper/sealed-tokens.ts";
import { closeContext, openContext } from "../../src/vault/open/open-context.ts";
import { postgresDatabase, sqliteFile } from "../chaos/database.ts";
import { Fleet } from "../chaos/fleet.ts";
import { isKeeper, pause, runVariable } from "../chaos/processes.ts";
import { startProvider } from "../chaos/provider.ts";
import { accessTokenOf, fillGrants, grantIdOf, refreshTokenOf } from "./fill.ts";

/** How many grants the provider knows: their tokens live for so long, and callers have them refreshed all the time. */
const living = 40;
const accessTokenTtlSeconds = 20;
/** How many callers ask at the same time. */
const callers = 4;

const { values } = parseArgs({
  options: {
    store: { type: "string", default: "sqlite" },
    grants: { type: "string", default: "100000" },
    "kill-every": { type: "string", default: "5" },
    minutes: { type: "string", default: "30" },
  },
});
const grants = Number(values.grants);
const killEveryMs = Number(values["kill-every"]) * 1_000;
const run = `rotation-${process.pid}-${Date.now()}`;
const marked = { ...process.env, [runVariable]: run };

const failures: string[] = [];
const statuses = new Map<string, number>();
const over = new AbortController();

const folder = await mkdtemp(join(tmpdir(), "onbehalf-rotation-"));
const database = values.store === "postgres" ? await postgresDatabase() : sqliteFile(folder);
const provider = await startProvider({ seed: 1, latencyMs: 0 }, marked);
await provider.settings({ access_token_ttl_seconds: accessTokenTtlSeconds });
const masterKey = generateMasterKey();
const keyring = keyringFromKeys(masterKey);
const record = google({ clientId: provider.clientId, clientSecret: provider.clientSecret, baseUrl: provider.url });
const options = { provider: record, keyring };

say(`filling a ${values.store} store with ${grants} grants`);
const vault = await openVault({ ...options, store: database.open() });
const { key } = await vault.callers.create("reader", { allow: ["token"] });
const known: string[] = [];
for (let n = 0; n < living; n += 1) {
  const code = await provider.code(`person-${n}@example.com`);
  known.push((await vault.exchangeCode({ code, source: "android" })).grantId);
}
await vault.close();
const filling = await openContext({ ...options, store: database.open() }, keyClasses);
await fillGrants(database.setting, filling.keys?.keyring ?? fail("there is no keyring"), grants, {
  clientId: provider.clientId,
  issuer: record.issuer,
});
await closeContext(filling);

const fleet = new Fleet(
  run,
  {
    ...marked,
    ONBEHALF_STORE: database.setting,
    ONBEHALF_KEY: masterKey.expose(),
    ONBEHALF_CLIENT_ID: provider.clientId,
    ONBEHALF_CLIENT_SECRET: provider.clientSecret,
    ONBEHALF_GOOGLE_BASE_URL: provider.url,
    ONBEHALF_LOG_LEVEL: "info",
    HOST: "127.0.0.1",
    PORT: "0",
  },
  join(folder, "services.log"),
);
await fleet.start(2);
const watcher = await openContext({ ...options, store: database.open() }, keyClasses);

const began = performance.now();
const added = await rotateDataKeys(watcher.store, keyring, { classes: ["refresh", "read"] });
say(`data keys ${added.join(" and ")} added; two services, and a kill every ${killEveryMs / 1_000} s`);
let opened = 0;
let passes = 0;
const work = [watch(), ...Array.from({ length: callers }, () => ask()), killOnes()];
let told = "";
while (performance.now() - began < Number(values.minutes) * 60_000) {
  const { dataKeys, rotation } = await keyStatus(watcher.store, keyring);
  const states = dataKeys
    .filter(({ keyClass }) => sealingClasses.has(keyClass))
    .map(({ keyId, state }) => `${keyId} ${state}`);
  const text = `${states.join(", ")}; ${rotation?.resealed ?? "all"} values sealed anew, waits for ${rotation?.waitsFor.length ?? 0}`;
  if (text !== told) say(text);
  told = text;
  if (rotation === undefined) break;
  await pause(2_000);
}
const seconds = Math.round((performance.now() - began) / 1_000);
over.abort();
await Promise.all(work);
await fleet.allUp(60_000);

const left = new Map<string, number>();
let checked = 0;
for await (const row of rows()) {
  checked += 1;
  for (const [column, sealed] of Object.entries(valuesOf(row))) {
    if (sealed === null) continue;
    const name = `${column} under ${sealedUnder(sealed) ?? "nothing"}`;
    left.set(name, (left.get(name) ?? 0) + 1);
  }
  check(row);
}
const underOld = [...left].filter(([name]) => !added.some((id) => name.endsWith(` under ${id}`)));
if (underOld.length > 0) failures.push(`left under old keys: ${underOld.join("; ")}`);
if (checked !== grants + living) failures.push(`${checked} grants are there`);
const refreshes = (await provider.exchanges()).filter(({ outcome }) => outcome === "refreshed").length;
const stopped = await fleet.stop(60_000);
await closeContext(watcher);
await provider.close();
await database.drop();
await rm(folder, { recursive: true, force: true });

say(`done in ${seconds} s with ${fleet.injectedFaults.length} kills`);
say(
  `opened meanwhile: ${opened} values, ${passes} times every grant; afterwards: ${[...left].map(([name, count]) => `${count} ${name}`).join(", ")}`,
);
say(
  `answers to callers: ${[...statuses].map(([status, count]) => `${count} ${status}`).join(", ")}; refreshes: ${refreshes}`,
);
if (!stopped) failures.push("a service did not end in order");
for (const failure of failures.slice(0, 20)) say(`FAILED: ${failure}`);
process.exit(failures.length === 0 ? 0 : 1);

/** Opens every value of every grant, over and over. */
async function watch(): Promise<void> {
  while (!over.signal.aborted) {
    for await (const row of rows()) {
      if (over.signal.aborted) return;
      check(row);
    }
    passes += 1;
  }
}

async function* rows(): AsyncGenerator<GrantRow> {
  for (let after = ""; ;) {
    const page = await patiently(() => watcher.store.listGrants({ after, limit: 200 }));
    // What was read must be opened with keys that were read later.
    if (page.some((row) => Object.values(valuesOf(row)).some((sealed) => sealed !== null && isNew(sealed)))) {
      await watcher.keys?.look();
    }
    yield* page;
    after = page.at(-1)?.grantId ?? "";
    if (page.length < 200) return;
    await pause(10);
  }
}

function isNew(sealed: Uint8Array): boolean {
  return watcher.keys?.stored.keys.every(({ keyId }) => keyId !== sealedUnder(sealed)) === true;
}

function valuesOf({ profileSealed, accessSealed, refreshSealed }: GrantRow): Record<string, Uint8Array | null> {
  return { profile: profileSealed, access: accessSealed, refresh: refreshSealed };
}

function check(row: GrantRow): void {
  try {
    const person = openPerson(watcher.keyring, row);
    const tokens = [openAccessToken(watcher.keyring, row), openRefreshToken(watcher.keyring, row)];
    opened += 3;
    if (known.includes(row.grantId)) return;
    const isRight =
      person.profile.sub.startsWith("s-") &&
      tokens[0]?.expose() === accessTokenOf(row.grantId) &&
      tokens[1]?.expose() === refreshTokenOf(row.grantId);
    if (!isRight) failures.push(`${row.grantId} holds another one's values`);
  } catch (error) {
    failures.push(`${row.grantId}: ${String(error)}`);
  }
}

/** A caller: most of the time it asks for any grant's token, and now and then for one that has to be refreshed. */
async function ask(): Promise<void> {
  while (!over.signal.aborted) {
    const isLiving = Math.random() < 0.3;
    const grantId = isLiving
      ? (known[Math.floor(Math.random() * known.length)] ?? "")
      : grantIdOf(Math.floor(Math.random() * grants));
    const services = fleet.up;
    const service = services[Math.floor(Math.random() * services.length)];
    if (service === undefined) {
      await pause(50);
      continue;
    }
    const url = `${service.url}/v1/grants/${grantId}/token${isLiving ? `?min_ttl_seconds=${accessTokenTtlSeconds - 5}` : ""}`;
    try {
      const response = await fetch(url, {
        headers: { authorization: `Bearer ${key.expose()}` },
        signal: AbortSignal.any([service.disturbed, AbortSignal.timeout(60_000)]),
      });
      const body = (await response.json()) as { access_token?: string; error?: string };
      count(`${response.status} ${body.error ?? ""}`.trim());
      if (
        response.status === 200 ? !isLiving && body.access_token !== accessTokenOf(grantId) : response.status !== 503
      ) {
        failures.push(`${grantId}: ${response.status} ${JSON.stringify(body)}`);
      }
    } catch {
      count("cut by a kill");
    }
    await pause(10);
  }
}

function count(status: string): void {
  statuses.set(status, (statuses.get(status) ?? 0) + 1);
}

/** Kills one service with its keeper, the one and the other in turn. */
async function killOnes(): Promise<void> {
  for (let turn = 0; ; turn += 1) {
    for (let waited = 0; waited < killEveryMs && !over.signal.aborted; waited += 100) await pause(100);
    if (over.signal.aborted) return;
    const all = fleet.all();
    const services = all.filter((each) => !isKeeper(each));
    const victim = services[turn % Math.max(1, services.length)];
    if (victim === undefined) continue;
    for (const each of all.filter(({ pid, parentPid }) => pid === victim.pid || parentPid === victim.pid))
      fleet.kill(each);
  }
}

/** A store that does not answer for a moment says nothing about grants. */
async function patiently<T>(read: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await read();
    } catch (error) {
      if (!isOnbehalfError(error, "store_unavailable") || tries > 60) throw error;
      await pause(500);
    }
  }
}

function say(text: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
}

function fail(message: string): never {
  throw new TypeError(message);
}
