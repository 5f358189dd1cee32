import type { Clock } from "../../core/clock.ts";
import type { OnEvent } from "../events.ts";

const hourMs = 3_600_000;
/** So many of its latest hours say what is usual for a caller: a week of them, where it reads in each. */
const rememberedHours = 168;
/** How many hours must have been seen before one can be unusual. The first is cut short by the start of the process. */
const neededHours = 2;
/** Fewer grants than this are never unusual. */
const leastGrants = 50;
/** How many times what is usual is unusual. */
const unusualTimes = 5;
/** A power of two. With as many bits, 8 KiB a caller, half a million grants can still be told from a million. */
const bits = 65_536;
const mostCallers = 1_000;

interface Reads {
  hour: number;
  readonly seen: Uint8Array;
  /** How many bits of `seen` are set. */
  set: number;
  isTold: boolean;
  /** About how many grants each of the latest hours saw, without hours that saw none. */
  readonly past: number[];
}

/**
 * Counts how many different grants each caller uses in an hour, and tells of an hour with many times more than any before:
 * so looks a key that was stolen. Numbers are about right, within one in a hundred or so. They are this process's own, and
 * begin anew with it; the audit log has what lasts.
 */
export class DistinctReads {
  readonly #clock: Clock;
  readonly #emit: OnEvent;
  readonly #callers = new Map<string, Reads>();

  constructor({ clock, emit }: { readonly clock: Clock; readonly emit: OnEvent }) {
    this.#clock = clock;
    this.#emit = emit;
  }

  /** A caller uses a grant's token. */
  note(caller: string, grantId: string): void {
    const reads = this.#of(caller);
    const hour = Math.floor(this.#clock.now() / hourMs);
    if (reads.hour !== hour) begin(reads, hour);
    const bit = hashOf(grantId) % bits;
    const [at, mask] = [bit >> 3, 1 << (bit & 7)];
    const byte = reads.seen[at] ?? 0;
    if ((byte & mask) !== 0) return;
    reads.seen[at] = byte | mask;
    reads.set += 1;
    if (reads.isTold || reads.past.length < neededHours) return;
    const grants = estimate(reads.set);
    const usual = Math.max(...reads.past);
    if (grants <= Math.max(leastGrants, usual * unusualTimes)) return;
    reads.isTold = true;
    this.#emit({ type: "unusual_reads", caller, grants, usual });
  }

  #of(caller: string): Reads {
    const known = this.#callers.get(caller);
    if (known !== undefined) return known;
    const [oldest] = this.#callers.keys();
    if (this.#callers.size >= mostCallers && oldest !== undefined) this.#callers.delete(oldest);
    const reads: Reads = { hour: Number.NaN, seen: new Uint8Array(bits / 8), set: 0, isTold: false, past: [] };
    this.#callers.set(caller, reads);
    return reads;
  }
}

function begin(reads: Reads, hour: number): void {
  if (reads.set > 0) reads.past.push(estimate(reads.set));
  if (reads.past.length > rememberedHours) reads.past.shift();
  reads.seen.fill(0);
  Object.assign(reads, { hour, set: 0, isTold: false });
}

/** How many different values set so many bits: some fall on one that is set already (linear counting). */
function estimate(set: number): number {
  return Math.round(-bits * Math.log(1 - Math.min(set, bits - 1) / bits));
}

/** FNV-1a. Ids of grants are drawn at random by us, so nobody can choose ones that fall together. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash ^ (hash >>> 16)) >>> 0;
}
