import type { OwnClock } from "../clock.ts";

/** A code that works once, for a while. */
export interface OneTimeCode {
  readonly value: string;
  readonly expiresAt: number;
  used: boolean;
}

/** The codes of one stand-in. What stands in a code is the kind's own. */
export class OneTimeCodes<C extends OneTimeCode> {
  readonly #clock: OwnClock;
  readonly #newCode: () => string;
  readonly #lifeSeconds: () => number;
  readonly #codes = new Map<string, C>();

  /** @param lifeSeconds read at each code: a test may change it at any time */
  constructor(clock: OwnClock, newCode: () => string, lifeSeconds: () => number) {
    this.#clock = clock;
    this.#newCode = newCode;
    this.#lifeSeconds = lifeSeconds;
  }

  issue(from: Omit<C, keyof OneTimeCode>): C {
    const now = this.#clock.now();
    for (const [value, code] of this.#codes) {
      if (code.expiresAt > now) break;
      this.#codes.delete(value);
    }
    const own: OneTimeCode = {
      value: this.#newCode(),
      expiresAt: now + this.#lifeSeconds() * 1_000,
      used: false,
    };
    const code = { ...from, ...own } as C;
    this.#codes.set(code.value, code);
    return code;
  }

  /** The code while it has not expired, used or not. */
  find(value: string): C | undefined {
    const code = this.#codes.get(value);
    return code !== undefined && code.expiresAt > this.#clock.now() ? code : undefined;
  }
}
