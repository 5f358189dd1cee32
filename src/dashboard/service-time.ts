/** The service's clock, as far ahead of this one as it was when the service last told the time. */
let aheadMs = 0;
let told = "";

/**
 * Sets the clock by what the service has just told. The page draws what was told again and again: told a second time it is no
 * news, or the clock would go back by as long as that was ago.
 *
 * @param now the service's time
 * @param here this machine's, milliseconds since the epoch
 */
export function setServiceTime(now: string, here = Date.now()): void {
  if (now === told) return;
  told = now;
  aheadMs = Date.parse(now) - here;
}

/** @returns milliseconds since the epoch */
export function serviceNow(here = Date.now()): number {
  return here + aheadMs;
}
