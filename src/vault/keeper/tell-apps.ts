import type { KeeperContext } from "./context.ts";

/** How long events are kept, milliseconds, unless a setting says otherwise. */
export const defaultEventsKeptMs: number = 30 * 86_400_000;
/** How many ends of consents, and how many old events, are looked at in one step. */
const stepSize = 500;

/** Tells apps of consents that end soon. It reads those alone of which it is time. */
export async function announceEnds({ store, clock, emit }: KeeperContext, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const due = await store.endsToAnnounce(clock.now(), stepSize);
    await Promise.all(
      due.map(async (end) => {
        const { grantId, provider } = end;
        if (await store.announceEnd(end, clock.now())) emit({ type: "consent_ends_soon", grantId, provider });
      }),
    );
    if (due.length < stepSize) return;
  }
}

/** Takes out events that are too old. */
export async function pruneEvents({ store, clock }: KeeperContext, keptMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await store.pruneEvents(clock.now() - keptMs, stepSize)) === stepSize);
}

/**
 * Makes a function to be called every second: it tells apps of providers that are down, or refuse our client, once for all
 * processes.
 */
export function watchConditions({ store, clock, gates, protocols }: KeeperContext): () => Promise<void> {
  const noted = new Map<string, string>();
  return async () => {
    for (const [provider, gate] of gates) {
      const { condition, error } = gate.condition ?? {};
      const clientId = protocols.get(provider)?.client.clientId;
      if (condition === undefined || clientId === undefined || noted.get(provider) === condition) continue;
      await store.noteCondition({ provider, clientId, condition, error, at: clock.now() });
      noted.set(provider, condition);
    }
  };
}
