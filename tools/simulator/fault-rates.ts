/** How often each kind of fault happens in a schedule. */

/** For each fault: its probability at each moment at which it could happen. */
export interface FaultRates {
  /** The process whose step is next is killed. */
  readonly crash: number;
  /** The process whose step is next is stopped for up to 15 minutes, and goes on after that. */
  readonly pause: number;
  /** The store fails, and has not done what it was asked. */
  readonly storeBefore: number;
  /** The store has done what it was asked, and its acknowledgement is lost. */
  readonly storeAfter: number;
  readonly connectionRefused: number;
  /** The request never reaches the provider. */
  readonly requestLost: number;
  /** The provider has acted, and its answer never arrives. */
  readonly answerLost: number;
  /** The provider has acted, and its answer cannot be read. */
  readonly garbage: number;
  /** The provider answers 503 and does nothing. */
  readonly overload: number;
  /** The provider answers `invalid_client`. */
  readonly clientRefused: number;
  /** The person ends the app's access at the provider. */
  readonly personRevokes: number;
  /** The person signs in again. */
  readonly personConsents: number;
  /** The app revokes the grant. */
  readonly appRevokes: number;
  /** The store is copied. */
  readonly backup: number;
  /** Every process is stopped, the last copy is put in the store's place, and processes are started. */
  readonly restore: number;
  /** The operator says that the store was restored, and may go on. */
  readonly operatorSettles: number;
}

export const noFaults: FaultRates = {
  crash: 0,
  pause: 0,
  storeBefore: 0,
  storeAfter: 0,
  connectionRefused: 0,
  requestLost: 0,
  answerLost: 0,
  garbage: 0,
  overload: 0,
  clientRefused: 0,
  personRevokes: 0,
  personConsents: 0,
  appRevokes: 0,
  backup: 0,
  restore: 0,
  operatorSettles: 0,
};

/** The rates of one schedule. Each fault is left out of half the schedules, so that some have one kind of fault alone. */
export function faultRates(random: () => number): FaultRates {
  const upTo = (highest: number): number => (random() < 0.5 ? highest * random() : 0);
  return {
    crash: upTo(0.06),
    pause: upTo(0.08),
    storeBefore: upTo(0.12),
    storeAfter: upTo(0.12),
    connectionRefused: upTo(0.2),
    requestLost: upTo(0.2),
    answerLost: upTo(0.2),
    garbage: upTo(0.2),
    overload: upTo(0.2),
    clientRefused: upTo(0.1),
    personRevokes: upTo(0.01),
    personConsents: upTo(0.04),
    appRevokes: upTo(0.02),
    backup: upTo(0.06),
    restore: upTo(0.06),
    operatorSettles: upTo(0.04),
  };
}
