/** The command line of `npm run agents`. */
import { parseArgs } from "node:util";

/** What a run does. */
export interface AgentsOptions {
  readonly store: "sqlite" | "postgres";
  /** How long agents are killed, seconds. */
  readonly seconds: number;
  /** How many processes there are of each kind: with a vault, and with tokens in files. */
  readonly agents: number;
  /** How many people each process calls for, in turn: each person's grant is shared by all processes of a kind. */
  readonly people: number;
  /** How long an access token lives, seconds. */
  readonly ttl: number;
  /** How often two processes of each kind are killed, seconds. */
  readonly every: number;
  readonly seed: number;
}

export const usage = `usage: npm run agents -- [options]
  --store S          sqlite, or postgres: on the server of DATABASE_URL, or on one that is started for the run (sqlite)
  --seconds S        how long agents are killed (60)
  --agents N         processes with a vault, and as many with tokens in files (8)
  --people N         people whose grants all of them share (4)
  --ttl SECONDS      how long an access token is valid (2)
  --every SECONDS    how often two of each are killed (5)
  --seed N           chooses victims, times and people (random)
the value in parentheses is the default
exits 0 when no grant of the vault was lost and no call failed for want of authorization, 1 otherwise, 2 on wrong usage`;

const numbers = {
  seconds: [60, 1, 86_400],
  agents: [8, 2, 64],
  people: [4, 1, 100],
  ttl: [2, 1, 3_600],
  every: [5, 0.1, 3_600],
} as const;

/** Reads the command line. @throws an error whose message says what is wrong with it */
export function readOptions(args: readonly string[], randomSeed: number): AgentsOptions {
  const names = ["store", "seed", ...Object.keys(numbers)];
  const { values } = parseArgs({
    args: [...args],
    options: Object.fromEntries(names.map((name) => [name, { type: "string" as const }])),
  });
  const number = (name: string, [fallback, least, most]: readonly [number, number, number]): number => {
    const value = Number(values[name] ?? fallback);
    if (!(value >= least && value <= most)) throw new TypeError(`--${name} must be a number from ${least} to ${most}`);
    return value;
  };
  const store = values["store"] ?? "sqlite";
  if (store !== "sqlite" && store !== "postgres") throw new TypeError("--store must be sqlite or postgres");
  return {
    store,
    seconds: number("seconds", numbers.seconds),
    agents: number("agents", numbers.agents),
    people: number("people", numbers.people),
    ttl: number("ttl", numbers.ttl),
    every: number("every", numbers.every),
    seed: number("seed", [randomSeed, 0, 2 ** 32 - 1]),
  };
}
