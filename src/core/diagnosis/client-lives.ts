import { dayMs, endsInTesting } from "./token-endings.ts";
import type { TokenEndings } from "./token-endings.ts";

/** A refresh token of a client that the provider has called dead. Durations are counted from the consent, milliseconds. */
export interface EndedLife {
  readonly grantId: string;
  /** What was granted, separated by spaces. */
  readonly scope: string;
  /** Milliseconds since the epoch. */
  readonly lapsedAt: number;
  /** It was alive at this age: that of the last exchange. */
  readonly livedMs: number;
  /** It was dead at this age: that of the refusal. */
  readonly deadMs: number;
}

/** A consent of a client that works. Times are milliseconds since the epoch. */
export interface GoingLife {
  readonly grantId: string;
  readonly scope: string;
  readonly consentedAt: number;
  /** When the last exchange was. */
  readonly exchangedAt: number;
}

/** What is known of the grants of one client: samples of the newest. */
export interface ClientLives {
  readonly ended: readonly EndedLife[];
  readonly going: readonly GoingLife[];
}

/** How far off the end of a life may be, and still count as that age: requests and clocks take their time. */
export const ageSlackMs = 21_600_000;

/** In how short a time a token must have died for its age to say something. */
const pinpointMs = 2 * dayMs;

/** So many grants must have died at that age. One or two people may have removed the app on such a day. */
const fewest = 3;

/** For each that outlived that age, so many must have died at it. */
const ratio = 4;

/** An inference: a client seems to be in Testing status, or to have been. Times are milliseconds since the epoch. */
export interface SeemsTesting {
  /** How many grants died at that age. */
  readonly died: number;
  /** How many of the same time outlived it. */
  readonly outlived: number;
  /** Consents from this time on are concerned. */
  readonly from: number;
  /** Consents before this time are: from then on, grants outlive that age. `Infinity`: still. */
  readonly until: number;
}

/**
 * Whether the ages at which grants of a client die show that its app is in Testing status. It needs several grants that
 * died at that very age, and next to none of the same time that lived on.
 *
 * @returns undefined: they do not
 */
export function seemsTesting({ ended, going }: ClientLives, endings: TokenEndings): SeemsTesting | undefined {
  const { testingDays } = endings;
  if (testingDays === undefined) return undefined;
  const ageMs = testingDays * dayMs;
  const consentOf = ({ lapsedAt, deadMs }: EndedLife): number => lapsedAt - deadMs;
  const concerned = ended.filter(({ scope }) => endsInTesting(scope, endings));
  const diedThen = concerned.filter((life) => isAt(life, ageMs) && life.deadMs - life.livedMs <= pinpointMs);
  const died = new Set(diedThen.map(({ grantId }) => grantId)).size;
  if (died < fewest) return undefined;
  const consents = diedThen.map(consentOf);
  const [first, last] = [Math.min(...consents), Math.max(...consents)];
  const outlivers = [
    ...concerned.filter(({ livedMs }) => livedMs > ageMs + ageSlackMs).map(consentOf),
    ...going
      .filter(({ scope }) => endsInTesting(scope, endings))
      .filter(({ consentedAt, exchangedAt }) => exchangedAt - consentedAt > ageMs + ageSlackMs)
      .map(({ consentedAt }) => consentedAt),
  ];
  const outlived = outlivers.filter((at) => at >= first - ageMs && at <= last).length;
  if (died < ratio * outlived) return undefined;
  const until = Math.min(Infinity, ...outlivers.filter((at) => at > last));
  return { died, outlived, from: first - ageMs, until };
}

/** Whether a token may have died at this age: it was alive before, and dead after. */
export function isAt({ livedMs, deadMs }: Pick<EndedLife, "livedMs" | "deadMs">, ageMs: number): boolean {
  return livedMs <= ageMs + ageSlackMs && deadMs >= ageMs - ageSlackMs;
}
