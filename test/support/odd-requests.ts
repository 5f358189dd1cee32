/**
 * Requests that no honest client sends, made of a seed: bytes that are no HTTP or only nearly so, and sound HTTP to every
 * route with something bent above it.
 */
import { soundCode, soundRequest } from "./bent-requests.ts";
import { oddBytes } from "./odd-bytes.ts";
import type { OddTargets } from "./odd-text.ts";

/** What one connection sends before our side of it is closed. */
export interface OddRequests {
  readonly bytes: Buffer;
  /** How many requests that is. */
  readonly count: number;
  /** Whether each request by itself is sound HTTP, so that the first of them must be answered. */
  readonly isSound: boolean;
}

/** The most requests that one connection sends. */
const longestPipeline = 16;
const codesEach = 1_000;

/** @returns a function that makes what the next connection sends */
export function oddRequests(random: () => number, targets: OddTargets): () => OddRequests {
  let made = 0;
  return () => {
    made += 1;
    // A code that could be one waits at the gate with all others: the lane would measure the gate and nothing else.
    if (made % codesEach === 0) return { bytes: soundCode(random, targets), count: 1, isSound: true };
    if (random() < 0.5) return { bytes: oddBytes(random, targets), count: 1, isSound: false };
    const count = 1 + Math.floor(random() * longestPipeline);
    const all = Array.from({ length: count }, (_, at) => soundRequest(random, targets, at === count - 1));
    return { bytes: Buffer.concat(all), count, isSound: true };
  };
}
