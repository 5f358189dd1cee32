/** Programs that do something themselves many times when they are told to, and say how long it took. */
import type { Child } from "./child.ts";
import { childrenOf, cpuSecondsOfAll, ownCpuSeconds } from "./process-cpu.ts";

/** What a worker is told to do. */
export interface Task {
  readonly what: string;
  readonly times: number;
  /** How many of them are under way at the same time. */
  readonly atOnce: number;
  /** Whether it is said how long each took: to look at the clock costs as much as some of what is measured. */
  readonly isTimed?: boolean;
  /** What all of them are about; each about its own by default. */
  readonly on?: number;
  /** Whether failures are counted, and not the end of the task. */
  readonly mayFail?: boolean;
}

export interface Done {
  /** By the clock on the wall. */
  readonly seconds: number;
  /** CPU time of the worker and of the processes that it has started. */
  readonly cpuSeconds: number;
  /** How long each took, milliseconds, where that was asked. */
  readonly tookMs: readonly number[];
  readonly failed: number;
  /** What the first failure said. */
  readonly failure?: string;
}

/**
 * The kinds of work by name; each is given the number of the piece, which goes on from task to task, or the number that all of
 * the task are about.
 */
export type Work = Readonly<Record<string, (n: number) => unknown>>;

/**
 * Says that this process is ready, and then does what it is told.
 *
 * @param ready what the first message says besides
 */
export function serveWork(work: Work, ready: object = {}): void {
  const next = new Map<string, number>();
  process.on("message", (task: Task) => void answer(task));
  process.send?.(ready);

  async function answer(task: Task): Promise<void> {
    process.send?.(await doTask(task));
  }

  async function doTask({ what, times, atOnce, isTimed = false, on }: Task): Promise<Done> {
    const piece = work[what];
    if (piece === undefined) throw new Error(`there is no work ${what}`);
    let n = next.get(what) ?? 0;
    const end = n + times;
    next.set(what, end);
    const tookMs: number[] = [];
    let failed = 0;
    let failure: string | undefined;
    const lane = async (): Promise<void> => {
      while (n < end) {
        const at = n++;
        const since = isTimed ? performance.now() : 0;
        try {
          await piece(on ?? at);
        } catch (error) {
          failed += 1;
          failure ??= String(error);
        }
        if (isTimed) tookMs.push(performance.now() - since);
      }
    };
    const children = childrenOf(process.pid);
    const cpu = (): number => ownCpuSeconds() + cpuSecondsOfAll(children);
    const [began, cpuBefore] = [performance.now(), cpu()];
    await Promise.all(Array.from({ length: atOnce }, lane));
    return {
      seconds: (performance.now() - began) / 1_000,
      cpuSeconds: cpu() - cpuBefore,
      tookMs,
      failed,
      ...(failure === undefined ? {} : { failure }),
    };
  }
}

/** @throws where a piece failed, unless it may */
export async function tell(child: Child<unknown>, task: Task): Promise<Done> {
  const done = await child.ask<Done>(task);
  if (done.failed > 0 && task.mayFail !== true)
    throw new Error(`${done.failed} of ${task.times} failed: ${done.failure}`);
  return done;
}
