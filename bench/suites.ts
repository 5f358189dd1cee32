import type { Suite } from "./suite.ts";
import { memory } from "./suites/memory.ts";

/** Every suite, in the order of `docs/performance.md`. */
export const suites: readonly Suite[] = [memory];
