const signals = ["SIGINT", "SIGTERM"] as const;

/** Resolves when the process is asked to stop. A second request stops it at once. */
export function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      for (const signal of signals) process.off(signal, stop);
      resolve();
    };
    for (const signal of signals) process.on(signal, stop);
  });
}
