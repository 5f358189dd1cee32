/**
 * An embedded vault over many grants, which is asked for lists and look-ups, or for nothing. Its arguments: the value of
 * `ONBEHALF_STORE`, the master key, and how many grants there are.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { isOnbehalfError } from "../../src/index.ts";
import { storeFrom } from "../../src/service/index.ts";
import { vaultOver } from "../filled-store.ts";
import { serveWork } from "../worker.ts";

const [, , setting = "", masterKey = ""] = process.argv;
const vault = await vaultOver({ masterKey }, storeFrom({ store: setting }));

serveWork({
  "a list of a state that no grant is in": () => vault.grants({ state: "suspect", limit: 50 }),
  "a page of 10 that have lapsed": () => vault.grants({ state: "lapsed", limit: 10 }).catch(unreadable),
  "a look-up of a user that is not there": (n) => vault.grants({ externalId: `nobody-${n}`, limit: 50 }),
  /** Says in its failure how long the event loop stood still, since a piece of work returns nothing. */
  async stall() {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    await sleep(Number(process.env["BENCH_IDLE_MS"] ?? 10_000));
    delay.disable();
    throw new Error(`stood still for ${(delay.max / 1e6).toFixed(2)} ms`);
  },
});

/** What was put there by SQL alone opens with no key. */
function unreadable(error: unknown): void {
  if (!isOnbehalfError(error, "grant_unreadable")) throw error;
}
