/** How long after a try that failed the next one comes, milliseconds: at last a day after the first one. */
export const retryDelaysMs: readonly number[] = [
  1_000, 5_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 14_400_000, 14_400_000,
  14_400_000, 14_400_000,
];

/**
 * When a delivery is tried again.
 *
 * @param tries how many have failed
 * @param now milliseconds since the epoch
 * @returns undefined: it is given up
 */
export function nextTryAt(tries: number, now: number): number | undefined {
  const delay = retryDelaysMs[tries - 1];
  return delay === undefined ? undefined : now + delay;
}

/** Events of one line are delivered in their order: those of a grant, or those about a provider. */
export function lineOf({
  grantId,
  provider,
  clientId,
}: {
  readonly grantId: string | null;
  readonly provider: string;
  readonly clientId: string;
}): string {
  return grantId ?? `${provider} ${clientId}`;
}
