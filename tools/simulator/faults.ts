/** What may go wrong, as shares of the moments at which it could. */
export interface FaultShares {
  readonly crash: number;
  readonly pause: number;
  readonly storeBefore: number;
  readonly storeAfter: number;
  readonly connectionRefused: number;
  readonly requestLost: number;
  readonly answerLost: number;
  readonly garbage: number;
  readonly overload: number;
  readonly clientRefused: number;
  readonly userRevokes: number;
  readonly userConsents: number;
  readonly appRevokes: number;
}

export const noFaults: FaultShares = {
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
  userRevokes: 0,
  userConsents: 0,
  appRevokes: 0,
};

/** Each schedule has its own weather: some are calm but for one kind of fault, some have all of them. */
export function weather(random: () => number): FaultShares {
  const often = (share: number): number => (random() < 0.5 ? share * random() : 0);
  return {
    crash: often(0.06),
    pause: often(0.08),
    storeBefore: often(0.12),
    storeAfter: often(0.12),
    connectionRefused: often(0.2),
    requestLost: often(0.2),
    answerLost: often(0.2),
    garbage: often(0.2),
    overload: often(0.2),
    clientRefused: often(0.1),
    userRevokes: often(0.01),
    userConsents: often(0.04),
    appRevokes: often(0.02),
  };
}
