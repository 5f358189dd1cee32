/** Contenders take turns, round by round, so that a moment in which the machine is busy is one for all of them. */
import { quantile } from "./quantile.ts";

/** What is measured beside others. */
export interface Contender {
  readonly name: string;
  /** What it is, with its versions and settings, for whoever reads the result. */
  readonly settings?: string;
  /** One figure of it, in the unit of the table. */
  measure(): Promise<number>;
}

/** The median, and the smallest and the largest. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spreadOf(samples: readonly number[]): Spread {
  return { median: quantile(samples, 0.5), min: Math.min(...samples), max: Math.max(...samples) };
}

/**
 * Measures all of them once to warm them up, which is not counted (and not done in a trial), and then once in each round. In
 * every other round they come in the opposite order.
 *
 * @param how.tell is told of each figure
 * @returns the figures of each, in the order of the rounds
 */
export async function inTurn(
  contenders: readonly Contender[],
  how: { readonly rounds: number; readonly isTrial: boolean; readonly tell: (line: string) => void },
): Promise<number[][]> {
  const { rounds, isTrial, tell } = how;
  const samples = contenders.map((): number[] => []);
  const order = [...contenders.entries()];
  for (let round = isTrial ? 1 : 0; round <= rounds; round += 1) {
    for (const [at, contender] of round % 2 === 0 ? order : order.toReversed()) {
      const figure = await contender.measure();
      if (round > 0) samples[at]?.push(figure);
      tell(`round ${round}: ${contender.name}: ${figure.toPrecision(4)}`);
    }
  }
  return samples;
}
