import { isRecent } from "../../core/recorded-time.ts";

/** How exactly the last use of something is known by default, milliseconds: each note of it is a write. */
const usuallyEveryMs = 600_000;
const memoryLimit = 10_000;

/** Notes of when things were used last, at most one of each in ten minutes, or in the time that is given. */
export class UseNotes {
  readonly #everyMs: number;
  readonly #write: (id: string, at: number) => Promise<void>;
  readonly #notes = new Set<Promise<void>>();
  readonly #notedAt = new Map<string, number>();

  constructor(write: (id: string, at: number) => Promise<void>, everyMs: number = usuallyEveryMs) {
    this.#everyMs = everyMs;
    this.#write = write;
  }

  /**
   * Nobody waits for it, and nothing depends on it: a store that cannot be written must not refuse what is good.
   *
   * @param lastUsedAt as the store knows it
   */
  note(id: string, lastUsedAt: number | null, now: number): void {
    const noted = Math.max(lastUsedAt ?? -Infinity, this.#notedAt.get(id) ?? -Infinity);
    if (isRecent(noted, now, this.#everyMs)) return;
    if (this.#notedAt.size >= memoryLimit) this.#notedAt.clear();
    this.#notedAt.set(id, now);
    const note = this.#write(id, now)
      .catch(() => undefined)
      .finally(() => this.#notes.delete(note));
    this.#notes.add(note);
  }

  /** Resolves when what is known has been written, or could not be. */
  async settled(): Promise<void> {
    await Promise.all(this.#notes);
  }
}
