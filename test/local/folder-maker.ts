/** A thread that makes folders at the same moment as others, as processes do that start together on one store. */
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { makePrivateFolder } from "../../src/local/private-folder.ts";

const { above, rounds, threads, shared } = workerData as {
  readonly above: string;
  readonly rounds: number;
  readonly threads: number;
  /** How many threads have come to the start of each round. */
  readonly shared: SharedArrayBuffer;
};
const arrived = new Int32Array(shared);
const problems: string[] = [];
for (let round = 0; round < rounds; round += 1) {
  Atomics.add(arrived, round, 1);
  // Nobody sleeps: who is woken would come when the others are done.
  while (Atomics.load(arrived, round) < threads);
  try {
    makePrivateFolder(join(above, `${round}`, "state", "rescue"));
  } catch (error) {
    problems.push(String(error));
  }
}
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port has no origins
parentPort?.postMessage(problems);
