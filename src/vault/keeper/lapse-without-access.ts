import { diagnosisOf } from "../grants/diagnosed.ts";
import type { KeeperContext } from "./context.ts";

/** How many grants are read at once. */
const stepSize = 100;

/**
 * Writes that grants have lapsed whose access tokens have ended, and that hold no refresh token. Nobody asks the provider, and often
 * nobody asks for their tokens either: otherwise the app would never hear of it, and no record would have it.
 *
 * It needs no client: grants of clients that are configured elsewhere end by the same time.
 */
export async function lapseWithoutAccess(context: KeeperContext, signal: AbortSignal): Promise<void> {
  const { store, clock, emit } = context;
  while (!signal.aborted) {
    const ended = await store.grantsToLapse(clock.now(), stepSize);
    const written = await Promise.all(
      ended.map(async (row) => {
        const { grantId, provider } = row;
        const found = diagnosisOf(context, row);
        if (found === undefined || !(await store.lapseWithoutAccess(grantId, clock.now(), found))) return false;
        const { reason, dependsOn, fix } = found;
        emit({ type: "lapsed", grantId, provider, reason, dependsOn, fix });
        return true;
      }),
    );
    // Where none was written, another process does the same.
    if (ended.length < stepSize || !written.includes(true)) return;
  }
}
