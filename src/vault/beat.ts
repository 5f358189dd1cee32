/**
 * One timer for all that a process does again and again. Each waking of a process that is idle finds the processor's caches
 * cold, and costs more than what is done then: tasks that are due together wake it once.
 */
interface Task {
  readonly ms: number;
  readonly run: () => void;
  /** By this process's monotonic clock. */
  dueAt: number;
}

const tasks = new Set<Task>();
let beatMs = Infinity;
let timer: NodeJS.Timeout | undefined;

/**
 * Calls `run` every `ms` milliseconds, on the beat of the most frequent task of this process. It keeps no process alive.
 *
 * @param run must not throw
 * @returns a function that ends it
 */
export function onBeat(ms: number, run: () => void): () => void {
  const now = performance.now();
  // What is done at every beat is done at the next one, however soon that is.
  const task = { ms, run, dueAt: ms > beatMs ? nextAfter(now, ms) : now };
  tasks.add(task);
  arrange();
  return () => {
    tasks.delete(task);
    arrange();
  };
}

function arrange(): void {
  const shortest = [...tasks].reduce((least, { ms }) => Math.min(least, ms), Infinity);
  if (shortest === beatMs) return;
  clearInterval(timer);
  beatMs = shortest;
  timer = tasks.size === 0 ? undefined : setInterval(beat, beatMs).unref();
}

function beat(): void {
  const now = performance.now();
  for (const task of tasks) {
    if (task.dueAt > now) continue;
    task.dueAt = nextAfter(now, task.ms);
    task.run();
  }
}

/** Tasks whose periods are multiples of one another are due together, whenever they began. */
function nextAfter(now: number, ms: number): number {
  return (Math.floor(now / ms) + 1) * ms;
}
