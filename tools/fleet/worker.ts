/**
 * A thread for one run. In a test's own thread, where each promise is followed for the report, a run takes ten times as
 * long.
 */
import { parentPort, workerData } from "node:worker_threads";
import { simulateFleet } from "./simulate.ts";
import type { FleetRun } from "./options.ts";

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has none
parentPort?.postMessage(await simulateFleet(workerData as FleetRun));
