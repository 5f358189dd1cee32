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
