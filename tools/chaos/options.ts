/** The command line of `npm run chaos`. */
import { parseArgs } from "node:util";

/** Which faults a run injects, how often, and into what. */
export interface ChaosOptions {
  readonly minutes: number;
  readonly store: "sqlite" | "postgres";
  /** How the provider rotates refresh tokens. Where it does, a used one that comes again ends its whole family. */
  readonly rotation: "none" | "grace" | "strict";
  /** Which processes are killed. `parent`: services; `all`: services and their keepers. */
  readonly kill: "parent" | "all" | "none";
  /** `process`: each service has a keeper; `none`: services exchange tokens themselves. */
  readonly keeper: "process" | "none";
  /**
   * `oauth2`: a third of the grants are at a second provider, of plain OAuth 2.0: without ID tokens, with refresh tokens that
   * work once, and whose family ends when a used one comes again. `none`: there is no second one.
   */
  readonly second: "oauth2" | "none";
  /** How long a process is stopped by SIGSTOP, seconds; 0: none is stopped. */
  readonly pause: number;
  readonly seed: number;
  readonly services: number;
  readonly grants: number;
  /** How long an access token is valid, seconds. */
  readonly ttl: number;
  /** The longest time the provider takes to answer, milliseconds. Most answers come much sooner. */
  readonly latency: number;
  /** End the run early, after so many kills and pauses; 0: do not. */
  readonly until: number;
}

export const usage = `usage: npm run chaos -- [options]
  --minutes M        how long the run injects faults (1)
  --store S          sqlite, or postgres: on the server of DATABASE_URL, or on one that is started for the run (sqlite)
  --rotation R       how the provider rotates refresh tokens: none, grace or strict (strict)
  --kill K           kill -9 of services (parent), of services and keepers (all), or of nothing (none) (parent)
  --keeper P         process: services have keepers; none: services exchange tokens themselves (process)
  --second P         where a third of the grants are: oauth2, a strict provider without ID tokens; none: all at one (oauth2)
  --pause SECONDS    stop processes for so long, again and again; 0: never (0)
  --until N          end early, after N kills and pauses; 0: do not (0)
  --services N       how many services (3)
  --grants N         how many grants (40)
  --ttl SECONDS      how long an access token is valid (4)
  --latency MS       the longest time the provider takes to answer (400)
  --seed N           chooses victims and times; the same seed makes the same plan (random)
the value in parentheses is the default
exits 0 when nothing was lost, 1 when something was, 2 on wrong usage`;

const choices = {
  store: ["sqlite", "postgres"],
  rotation: ["none", "grace", "strict"],
  kill: ["parent", "all", "none"],
  keeper: ["process", "none"],
  second: ["oauth2", "none"],
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

/** Reads the command line. @throws an error whose message says what is wrong with it */
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
    second: choice("second", "oauth2"),
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

/** The options of a run that is given none. */
export const defaults: ChaosOptions = readOptions([], 1);
