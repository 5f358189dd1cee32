const signals = ["SIGINT", "SIGTERM"] as const;

/** Resolves with the signal that asks the process to stop. A second signal ends the process at once. */
export function untilStopped(): Promise<(typeof signals)[number]> {
  return new Promise((resolve) => {
    const stop = (signal: (typeof signals)[number]): void => {
      for (const each of signals) process.off(each, stop);
      resolve(signal);
    };
    for (const each of signals) process.on(each, stop);
  });
}

/**
 * Rejects with an error that nothing has caught. The process cannot go on after it; without this, it would end before
 * it has closed what it opened. A second such error ends the process at once.
 */
export function untilBroken(): Promise<never> {
  return new Promise((_, reject) => {
    process.once("uncaughtException", reject);
  });
}
