/** How many turns of the event loop work goes on for before time passes. */
const turnsOfWork = 20;

/** Time that stands still while there is work to do, and then jumps to the next sleeper's wake time. */
export class VirtualTime {
  #now: number;
  /** Wake times in order, and who wakes then. */
  readonly #sleepers = new Map<number, (() => void)[]>();
  readonly #heap: number[] = [];

  constructor(start: string) {
    this.#now = Date.parse(start);
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number): Promise<void> {
    const at = this.#now + Math.max(0, Math.ceil(ms));
    return new Promise((resolve) => {
      const others = this.#sleepers.get(at);
      if (others !== undefined) others.push(resolve);
      else {
        this.#sleepers.set(at, [resolve]);
        push(this.#heap, at);
      }
    });
  }

  /** Lets time pass until `done` settles. Throws when nobody sleeps any more and `done` still waits. */
  async until<T>(done: Promise<T>): Promise<T> {
    let isDone = false;
    const end = (): void => {
      isDone = true;
    };
    done.then(end, end);
    for (;;) {
      // Everything that needs no time is done by then. A store's commit waits for the end of a turn or two, and what waits
      // for it may have others to do.
      for (let turn = 0; turn < turnsOfWork; turn += 1) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      if (isDone) return done;
      const next = pop(this.#heap);
      if (next === undefined) throw new Error("everybody waits, and nobody wakes");
      this.#now = next;
      const woken = this.#sleepers.get(next) ?? [];
      this.#sleepers.delete(next);
      for (const wake of woken) wake();
    }
  }
}

/** A binary heap: the least comes first. */
function push(heap: number[], value: number): void {
  heap.push(value);
  for (let child = heap.length - 1; child > 0;) {
    const parent = (child - 1) >> 1;
    if ((heap[parent] ?? 0) <= (heap[child] ?? 0)) return;
    swap(heap, parent, child);
    child = parent;
  }
}

function pop(heap: number[]): number | undefined {
  const [least] = heap;
  const last = heap.pop();
  if (heap.length === 0 || last === undefined) return least;
  heap[0] = last;
  for (let parent = 0; ;) {
    const left = 2 * parent + 1;
    const right = left + 1;
    let smallest = parent;
    if (left < heap.length && (heap[left] ?? 0) < (heap[smallest] ?? 0)) smallest = left;
    if (right < heap.length && (heap[right] ?? 0) < (heap[smallest] ?? 0)) smallest = right;
    if (smallest === parent) return least;
    swap(heap, parent, smallest);
    parent = smallest;
  }
}

function swap(heap: number[], one: number, other: number): void {
  [heap[one], heap[other]] = [heap[other] ?? 0, heap[one] ?? 0];
}
