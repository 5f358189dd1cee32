import type { Suite } from "./suite.ts";
import { embedded } from "./suites/embedded.ts";
import { memory } from "./suites/memory.ts";
import { store } from "./suites/store.ts";

/** Every suite, in the order of `docs/performance.md`. */
export const suites: readonly Suite[] = [memory, store, embedded];
