import { rm, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fixedClock, generateMasterKey, google, keyringFromKeys, openVault } from "../../src/index.ts";
import type { MovableClock, Provider, Secret, Vault, VaultEvent, VaultOptions } from "../../src/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { testStandin } from "./test-standin.ts";
import type { LogEntry, Standin, StandinOptions } from "../../src/standin/index.ts";
import { eventually } from "./eventually.ts";

export const appData = "https://www.googleapis.com/auth/drive.appdata";

/** Sign-in and the app's own folder in Drive: what most tests ask for. */
export const usualScope = `openid email profile ${appData}`;

/** A stand-in and a SQLite file, over which a test opens vaults. Both are gone after the test. */
export interface TestVault {
  readonly standin: Standin;
  /** Shared by the stand-in and every vault; stands still until it is moved. */
  readonly clock: MovableClock;
  /** Of the SQLite file. */
  readonly path: string;
  readonly key: Secret;
  /** The events of every vault, in order. */
  readonly events: VaultEvent[];
  /** Google as the stand-in plays it. */
  readonly provider: Provider;
  /** Opens a vault over the file. It is closed after the test, if the test has not closed it. */
  open(options?: Partial<VaultOptions>): Promise<Vault>;
  /** A phone's code. */
  code(email: string, scope?: string): string;
  /** The requests to a path that the stand-in answered since the last call. */
  newRequests(path?: string): readonly LogEntry[];
}

/** A stand-in for several tests, and the clock that it goes by. */
export interface SharedStandin {
  readonly standin: Standin;
  readonly clock: MovableClock;
}

export async function sharedStandin(settings: StandinOptions = {}): Promise<SharedStandin> {
  const clock = settings.clock === undefined ? fixedClock("2026-11-22T00:00:00Z") : (settings.clock as MovableClock);
  return { clock, standin: await testStandin({ ...settings, clock }) };
}

/**
 * @param options settings of the stand-in; `provider`: what differs from Google in our record of it; `shared`: a
 *   stand-in that other tests use too; it is not closed after the test
 */
export async function testVault(
  t: TestContext,
  {
    provider: quirks = {},
    shared,
    ...settings
  }: StandinOptions & { readonly provider?: Partial<Provider>; readonly shared?: SharedStandin } = {},
): Promise<TestVault> {
  const folder = await mkdtemp(join(tmpdir(), "onbehalf-"));
  const { standin, clock } = shared ?? (await sharedStandin(settings));
  const vaults: Vault[] = [];
  const events: VaultEvent[] = [];
  const key = generateMasterKey();
  const { clientId, clientSecret, url } = standin;
  const provider: Provider = { ...google({ clientId, clientSecret, baseUrl: url }), ...quirks };
  const path = join(folder, "grants.db");
  let seen = standin.log().entries.at(-1)?.seq ?? 0;

  t.after(async () => {
    standin.clearFaults();
    // Close the stand-in first: it cuts the requests that a closing vault would wait for.
    if (shared === undefined) await standin.close();
    await Promise.all(vaults.map((vault) => vault.close()));
    await rm(folder, { recursive: true, force: true });
  });

  return {
    standin,
    clock,
    path,
    key,
    events,
    provider,
    async open(options = {}) {
      const vault = await openVault({
        ...(options.providers === undefined ? { provider } : {}),
        store: sqlite(path),
        keyring: keyringFromKeys(key),
        clock,
        onEvent: (event) => events.push(event),
        ...options,
      });
      vaults.push(vault);
      return vault;
    },
    code: (email, scope = usualScope) => standin.code({ email, scope }),
    newRequests(wanted = "/token") {
      const { entries } = standin.log(seen);
      seen = entries.at(-1)?.seq ?? seen;
      return entries.filter(({ path: asked }) => asked === wanted);
    },
  };
}

/** How often each outcome came, for a short comparison. */
export function outcomes(entries: readonly LogEntry[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { outcome } of entries) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

/** Waits until the condition holds; the runner's timeout ends the test if it never does. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  await eventually(holds, (isSo) => isSo);
}
