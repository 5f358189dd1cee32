/**
 * Keeps the memory that a process of the service has from the system near what it uses. What V8 and malloc would keep
 * otherwise grows with the traffic of the worst minute, which anybody without a key may cause.
 */
import { setFlagsFromString } from "node:v8";

/** The young space of V8: twice this, and half as much again. Node's own limit is 32 MB on 64 bits. */
const semiSpace = "--max-semi-space-size";
const ofService = `${semiSpace}=4`;
/** What stands in sixty-four exchanges fills most of 4 MB: it would be moved at each collection, and soon into the old space. */
const ofKeeper = `${semiSpace}=8`;

/**
 * Node's flags for a process of the service that is about to be started: this process's own, and a limit for the young space
 * where the operator has given none.
 *
 * @param given Node's flags of this process
 * @param nodeOptions `NODE_OPTIONS`: flags on the command line come before those in there
 */
export function smallMemoryFlags(given: readonly string[], nodeOptions: string = ""): readonly string[] {
  return limited(given, nodeOptions, ofService);
}

/** The same for a keeper. The limit that a service has from {@link smallMemoryFlags} is not its keeper's. */
export function keeperMemoryFlags(given: readonly string[], nodeOptions: string = ""): readonly string[] {
  const others = given.filter((flag) => flag !== ofService);
  return limited(others, nodeOptions, ofKeeper);
}

function limited(given: readonly string[], nodeOptions: string, limit: string): readonly string[] {
  const isGiven = [...given, nodeOptions].some((flags) => flags.replaceAll("_", "-").includes(semiSpace));
  return isGiven ? given : [...given, limit];
}

/**
 * Variables for a process that is about to be started. By default glibc's malloc has eight arenas for each processor, each
 * of which keeps what its busiest moment needed. Other C libraries take no notice.
 *
 * @param environment what the process is given otherwise; it comes first
 * @see https://www.gnu.org/software/libc/manual/html_node/Memory-Allocation-Tunables.html
 */
export function smallMemoryVariables(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { MALLOC_ARENA_MAX: "2", ...environment };
}

/**
 * By how much the old space may grow until it is collected, percent of what was in use then. A service holds tokens by the ten
 * thousand, so that a half would be 50 MB; a keeper holds little, and what it promotes is garbage soon.
 */
const growth = { service: 20, keeper: 50 } as const;

/**
 * For this process, from now on. V8 would let the old space grow to four times of what was in use at the last collection. And
 * one thread collects a young space as small as ours: several spend more on waking each other than on the work.
 */
export function keepMemorySmall(of: keyof typeof growth): void {
  setFlagsFromString(`--heap-growing-percent=${growth[of]}`);
  setFlagsFromString("--no-parallel-scavenge");
}
