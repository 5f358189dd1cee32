import type { SimulatedProcess } from "./schedule.ts";

/** An answer that reached a process: from then on it must not be dropped. */
interface Delivered {
  readonly token: string;
  readonly process: SimulatedProcess;
}

/** Sees everything that happens, and knows what must never. */
export class Witness {
  readonly violations: string[] = [];
  /** Refresh tokens that stand somewhere durable: in the grant, beside it, or in the rescue journal. */
  readonly stored = new Set<string>();
  readonly delivered: Delivered[] = [];
  /** How often the provider called a token invalid. */
  readonly refusals = new Map<string, number>();
  /** Times at which the provider replaced a token whose successor then was lost with its process or on the wire. */
  readonly lostInFlight: number[] = [];
  userRevoked = false;
  /** Families whose grant was consented to anew while they lived: nobody has asked for their end. */
  readonly left = new Set<string>();
  readonly #asking = new Map<string, Set<SimulatedProcess>>();
  readonly #exclusive: boolean;

  /** @param exclusive whether two living processes must never spend one token at once */
  constructor(exclusive: boolean) {
    this.#exclusive = exclusive;
  }

  asks(process: SimulatedProcess, token: string): void {
    const asking = this.#asking.get(token) ?? new Set();
    const others = [...asking].filter((other) => other !== process && other.alive);
    if (this.#exclusive && others.length > 0) {
      this.violations.push(`${process.name} spends ${token} while ${others[0]?.name} does, and lives`);
    }
    asking.add(process);
    this.#asking.set(token, asking);
  }

  stopsAsking(process: SimulatedProcess, token: string): void {
    this.#asking.get(token)?.delete(process);
  }

  refused(token: string): void {
    this.refusals.set(token, (this.refusals.get(token) ?? 0) + 1);
  }

  /** Answers that reached a process which lived on, and are nowhere. */
  dropped(): readonly string[] {
    return this.delivered
      .filter(({ token, process }) => process.alive && !this.stored.has(token))
      .map(({ token }) => token);
  }
}
