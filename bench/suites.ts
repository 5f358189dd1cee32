import type { Suite } from "./suite.ts";
import { crowd } from "./suites/crowd.ts";
import { embedded } from "./suites/embedded.ts";
import { memory } from "./suites/memory.ts";
import { proxy } from "./suites/proxy.ts";
import { refresh } from "./suites/refresh.ts";
import { scale } from "./suites/scale.ts";
import { store } from "./suites/store.ts";

/** Every suite, in the order of `docs/performance.md`. */
export const suites: readonly Suite[] = [memory, store, embedded, refresh, crowd, proxy, scale];
