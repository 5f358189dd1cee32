import { parseArgs } from "node:util";

/** What a run of chaos does, and to whom. */
export interface ChaosOptions {
  readonly minutes: number;
  readonly store: "sqlite" | "postgres";
  /** How the provider rotates; a used refresh token ends its whole family, where it rotates at all. */
  readonly rotation: "none" | "grace" | "strict";
  /** `parent`: services alone; `all`: their keepers, too. */
  readonly kill: "parent" | "all" | "none";
  /** Whether services have keepers, or exchange by themselves. */
  readonly keeper: "process" | "none";
  /** How long processes are stopped by SIGSTOP, seconds; 0: none is. */
  readonly pause: number;
  readonly seed: number;
  readonly services: number;
  readonly grants: number;
  /** Life of an access token, seconds. */
  readonly ttl: number;
  /** The provider's longest answer, milliseconds; most come much sooner. */
  readonly latency: number;
  /** End early, after so many kills and pauses; 0: never. */
  readonly until: number;
}

export const usage = `usage: npm run chaos -- [options]
  --minutes M        how long to go on (1)
  --store S          sqlite or postgres; the latter on DATABASE_URL, or on a server of its own (sqlite)
  --rotation R       none, grace or strict (strict)
  --kill K           parent: kill -9 of services; all: of their keepers, too; none (parent)
  --keeper P         process: services have keepers; none: they exchange by themselves (process)
  --pause SECONDS    stop processes for so long, again and again; 0: never (0)
  --until N          end early, after N kills and pauses; 0: never (0)
  --services N       (3)
  --grants N         (40)
  --ttl SECONDS      life of an access token (4)
  --latency MS       the provider's longest answer (400)
  --seed N           repeats the same plan (random)
exits 0 when nothing was lost, 1 when something was, 2 on wrong usage`;

const choices = {
  store: ["sqlite", "postgres"],
  rotation: ["none", "grace", "strict"],
  kill: ["parent", "all", "none"],
  keeper: ["process", "none"],
} as const;

const numbers = {
  minutes: [1, 0, 24 * 60],
  pause: [0, 0, 3_600],
  services: [3, 1, 30],
  grants: [40, 1, 1_000],
  ttl: [4, 2, 3_600],
  latency: [400, 0, 20_000],
  until: [0, 0, 1_000_000],
} as const;

/** Reads the command line. Throws with what is wrong. */
export function readOptions(args: readonly string[], randomSeed: number): ChaosOptions {
  const names = [...Object.keys(choices), ...Object.keys(numbers), "seed"];
  const { values } = parseArgs({
    args: [...args],
    options: Object.fromEntries(names.map((name) => [name, { type: "string" as const }])),
  });
  const choice = <N extends keyof typeof choices>(name: N, fallback: (typeof choices)[N][number]) => {
    const known = choices[name] as readonly (typeof choices)[N][number][];
    const found = known.find((each) => each === (values[name] ?? fallback));
    if (found === undefined) throw new TypeError(`--${name} must be one of ${known.join(", ")}`);
    return found;
  };
  const number = (name: string, [fallback, least, most]: readonly [number, number, number]): number => {
    const value = Number(values[name] ?? fallback);
    if (!(value >= least && value <= most)) throw new TypeError(`--${name} must be a number from ${least} to ${most}`);
    return value;
  };
  return {
    store: choice("store", "sqlite"),
    rotation: choice("rotation", "strict"),
    kill: choice("kill", "parent"),
    keeper: choice("keeper", "process"),
    minutes: number("minutes", numbers.minutes),
    pause: number("pause", numbers.pause),
    services: number("services", numbers.services),
    grants: number("grants", numbers.grants),
    ttl: number("ttl", numbers.ttl),
    latency: number("latency", numbers.latency),
    until: number("until", numbers.until),
    seed: number("seed", [randomSeed, 0, 2 ** 32 - 1]),
  };
}

/** What is not said otherwise. */
export const defaults: ChaosOptions = readOptions([], 1);
