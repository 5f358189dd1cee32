import { systemClock } from "../core/clock.ts";
import { ApiCalls } from "./api-calls.ts";
import { Stopwatch } from "./elapsed.ts";
import { KeptTokens } from "./kept-tokens.ts";
import { KeySource, keyInFile } from "./key-source.ts";
import { assertRemoteOptions } from "./options.ts";
import type { CallerKey, RemoteVaultOptions } from "./options.ts";
import { RemoteTokens } from "./remote-tokens.ts";
import { RemoteVault } from "./remote-vault.ts";
import { ServiceLine } from "./service-line.ts";

/**
 * How long one request may take at which the service waits for the provider, seconds: longer than its own limit for one exchange.
 */
const writingSeconds = 35;

/** About as many tokens as an embedded vault keeps. */
const usualTokens = 50_000;

/** What tests put in another's place. */
export interface Seams {
  /** The monotonic clock, milliseconds. */
  readonly ticks: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  /** Resolves after that many milliseconds, or where the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

const machine: Seams = {
  ticks: () => performance.now(),
  random: () => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32,
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener("abort", end, { once: true });
    }),
};

/**
 * Opens a vault whose grants a service keeps. Nothing is sent before the first verb.
 *
 * @throws {OnbehalfError} `configuration_invalid`: an option cannot work, or the file with the key cannot be read;
 *   `details.problems` lists all of them
 */
export async function openRemoteVault(options: RemoteVaultOptions): Promise<RemoteVault> {
  return remoteVault(options, machine);
}

/** {@link openRemoteVault}, with the seams. */
export async function remoteVault(options: RemoteVaultOptions, seams: Seams): Promise<RemoteVault> {
  assertRemoteOptions(options);
  const { clock = systemClock, timeoutSeconds = 10, waitSeconds = 45 } = options;
  const { maxAgeSeconds = Infinity, maxTokens = usualTokens } = options;
  const url = new URL(options.url).href.replace(/\/+$/, "");
  // Looked up at each call: a program may put its own in the place of the runtime's after this.
  const send: typeof fetch = options.fetch ?? ((input, init) => fetch(input, init));
  const stopwatch = new Stopwatch(clock, seams.ticks);
  const kept = new KeptTokens(stopwatch, maxTokens);
  const given = options.keyFile === undefined ? options.key : keyInFile(options.keyFile);
  const key = new KeySource(given as CallerKey, () => {
    // The other key may be another caller's, who may not see what this one's saw.
    kept.clear();
    calls.reset();
  });
  const now = (): number => clock.now();
  const line = new ServiceLine({ line: { url, fetch: send, now }, key, stopwatch, ...seams });
  const patienceMs = waitSeconds * 1_000;
  const reading = { timeoutMs: timeoutSeconds * 1_000, patienceMs };
  const writing = { timeoutMs: Math.max(reading.timeoutMs, writingSeconds * 1_000), patienceMs };
  const tokens = new RemoteTokens(line, kept, clock, stopwatch, { ...reading, maxAgeMs: maxAgeSeconds * 1_000 });
  const idOf: ConstructorParameters<typeof ApiCalls>[0]["idOf"] = async (ref) => (await vault.grant(ref)).grantId;
  const calls = new ApiCalls({ url, fetch: send, line, tokens, sending: reading, stopwatch, idOf });
  const vault = new RemoteVault({ line, tokens, calls, reading, writing });
  // A file that is not there is a wrong option. A function is asked when there is something to ask the service.
  if (options.keyFile !== undefined) await key.current();
  return vault;
}
