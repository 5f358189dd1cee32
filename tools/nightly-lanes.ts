/** What takes too long for each change, and is run each night instead. */
export interface NightlyLane {
  /** Also the variable that makes its tests long, where it has tests. */
  readonly name: string;
  readonly what: string;
  /** Arguments of `node`. */
  readonly args: readonly string[];
}

/** A lane of tests, which are short unless the variable with its name is `full`. */
function tests(name: string, pattern: string, what: string): NightlyLane {
  return { name, what, args: ["tools/test.ts", pattern] };
}

function chaos(name: string, options: string, what: string): NightlyLane {
  return { name, what, args: ["tools/chaos/main.ts", ...options.split(" ")] };
}

export const nightlyLanes: readonly NightlyLane[] = [
  tests("ODD", "faults/odd-requests", "a million requests that no honest client sends; ODD_SEED sends others"),
  tests("SECRETS", "planted-", "sixteen thousand secrets in every place of input; SECRETS_SEED plants others"),
  tests("FLOOD", "http/flood", "a minute of 400 codes a second that are none"),
  tests("BENT", "bent-answers", "token answers bent in thousands of ways; BENT_SEED repeats one"),
  tests("OUTAGE", "test/faults/outage", "a day without the provider, 100,000 grants, in virtual time"),
  tests("FLEET", "test/fleet", "a fleet of 20 services over a day at ten million grants, in virtual time"),
  tests("POOLER", "test/faults/pooler", "ten seconds of nonsense from a PostgreSQL pooler, in mid-load"),
  tests("SCALE", "test/store/scale", "every statement of the stores, the start and idling, on 300,000 grants"),
  tests("RACES", "test/races", "20 processes of 50 callers, 12 seconds of latency, ten rounds each"),
  tests(
    "AGENTS",
    "races/agents",
    "eight agents with a vault and eight with files, killed for five minutes on each store; AGENTS_SEED sets when",
  ),
  tests(
    "FRAMEWORKS",
    "stories/frameworks",
    "each framework, agent library and bundler from the registry, and packs of a fresh clone",
  ),
  tests(
    "REMOTE",
    "faults/remote-client",
    "a remote vault whose service restarts for a minute, and is away for half of one",
  ),
  tests(
    "WEBHOOKS",
    "faults/killed-webhooks",
    "ten thousand events to a receiver that fails at random, with a kill every two seconds; WEBHOOKS_SEED fails otherwise",
  ),
  tests("DEPOSITS", "faults/killed-deposits", "a hundred thousand refresh tokens taken in, killed five times"),
  tests("KEYS", "faults/key-rotation", "data keys replaced on 100,000 grants, with a kill every five seconds"),
  tests(
    "CONFORMANCE",
    "stories/mcp-conformance",
    "the MCP conformance suite for clients, with tokens in memory and in a vault",
  ),
  {
    name: "SIMULATE",
    what: "the refresh protocol in every order of events",
    args: ["tools/simulator/main.ts", "--schedules", "1000000"],
  },
  chaos(
    "CHAOS",
    "--store postgres --rotation strict --kill all --until 500 --minutes 40",
    "500 kills of services and keepers",
  ),
  chaos("CHAOS_ALONE", "--rotation none --keeper none --until 500 --minutes 40", "the same without keepers"),
  chaos(
    "CHAOS_PAUSED",
    "--kill none --pause 35 --services 8 --until 200 --minutes 40",
    "processes that are stopped for longer than any timer",
  ),
];
