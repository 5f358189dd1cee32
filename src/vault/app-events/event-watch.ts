import type { VaultContext } from "../context.ts";
import { paced } from "../paced.ts";

/** How often the number of the last event is read while somebody waits, milliseconds. */
const lookEveryMs = 500;
/** After the store has notified of a change, how long until the next look at the soonest, milliseconds. */
const hintPaceMs = 50;

/**
 * Waits for events that any process on the store writes. It reads one number for all that wait, and nothing while nobody
 * waits. The store's notifications make it sooner.
 */
export class EventWatch {
  readonly #store: Pick<VaultContext["store"], "eventHead" | "onChange">;
  readonly #waiting = new Set<{ readonly after: number; readonly wake: (isThere: boolean) => void }>();
  #stop: (() => void) | undefined;
  #isOver = false;

  constructor({ store }: Pick<VaultContext, "store">) {
    this.#store = store;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether nobody waits any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Resolves once there is an event with a larger number; with false where none came in time, or the waiting was ended.
   *
   * @param ms how long to wait, milliseconds
   * @param signal ends the wait
   */
  after(after: number, ms: number, signal?: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      if (this.#isOver) return resolve(false);
      const timer = setTimeout(() => waiting.wake(false), ms);
      const waiting = {
        after,
        wake: (isThere: boolean) => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", gone);
          this.#waiting.delete(waiting);
          if (this.#waiting.size === 0) this.#rest();
          resolve(isThere);
        },
      };
      const gone = (): void => waiting.wake(false);
      signal?.addEventListener("abort", gone);
      this.#waiting.add(waiting);
      this.#begin();
    });
  }

  end(): void {
    this.#isOver = true;
    for (const { wake } of this.#waiting) wake(false);
  }

  #begin(): void {
    if (this.#stop !== undefined) return;
    let isLooking = false;
    const look = (): void => {
      if (isLooking) return;
      isLooking = true;
      void this.#look().finally(() => (isLooking = false));
    };
    const timer = setInterval(look, lookEveryMs);
    const hints = paced(look, hintPaceMs);
    const unsubscribe = this.#store.onChange?.(hints.call);
    this.#stop = (): void => {
      clearInterval(timer);
      hints.stop();
      unsubscribe?.();
    };
    look();
  }

  #rest(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  async #look(): Promise<void> {
    try {
      const { seq } = await this.#store.eventHead();
      for (const { after, wake } of this.#waiting) if (seq !== after) wake(true);
    } catch {
      // Whoever waits reads the store itself, and hears there what is wrong with it.
      for (const { wake } of this.#waiting) wake(true);
    }
  }
}
