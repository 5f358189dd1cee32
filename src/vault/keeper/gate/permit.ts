import type { RefreshOutcome } from "../local-keeper.ts";
import type { Gate, Permit, Priority } from "./gate.ts";

/** Why there is nothing to spend, or nothing just now. */
export type Deferred = Exclude<RefreshOutcome, { kind: "held-in-memory" }>;

/** What somebody hears who is not let through. */
export function turnedAway(
  { refusedWith, blockedForMs: shutForMs }: Gate,
  { waitMs, error }: { readonly waitMs: number; readonly error: string },
): Deferred {
  return refusedWith === undefined
    ? { kind: "unavailable", error, retryAfterMs: Math.max(waitMs, shutForMs) }
    : { kind: "misconfigured", error: refusedWith };
}

/** A turn at the provider: got, given up while there is nothing to ask, got again. */
export class Turn {
  readonly #gate: Gate;
  readonly #priority: Priority;
  #pass: Permit | undefined;

  constructor(gate: Gate, priority: Priority) {
    this.#gate = gate;
    this.#priority = priority;
  }

  get isMine(): boolean {
    return this.#pass !== undefined;
  }

  /** Returns why there is none. */
  async get(): Promise<Deferred | undefined> {
    if (this.#pass !== undefined) return undefined;
    const admission = await this.#gate.admit(this.#priority);
    if (admission.kind === "wait") return turnedAway(this.#gate, admission);
    this.#pass = admission.pass;
    return undefined;
  }

  giveUp(): void {
    this.#pass?.release();
    this.#pass = undefined;
  }

  /** It is another's from now on, to use or to give up. */
  take(): Permit {
    const pass = this.#pass;
    if (pass === undefined) throw new TypeError("there is no turn to take");
    this.#pass = undefined;
    return pass;
  }
}
