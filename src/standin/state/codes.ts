import type { OwnClock } from "../clock.ts";
import type { Authorization, Family } from "./ledger.ts";
import { newCode } from "./opaque-values.ts";
import type { Settings } from "./settings.ts";

/** Where a code came from. It decides which `redirect_uri` the exchange must send. */
export type CodeKind = "native" | "popup" | "redirect";

export interface Challenge {
  readonly value: string;
  readonly method: "S256" | "plain";
}

export interface Code {
  readonly value: string;
  readonly kind: CodeKind;
  readonly authorization: Authorization;
  readonly clientId: string;
  /** The client that asked the person: the phone's, where the code came from one. */
  readonly azp: string;
  /** What was granted, which may be less than was asked. */
  readonly scopes: readonly string[];
  /** The URI of the authorization request; redirect codes only. */
  readonly redirectUri: string | undefined;
  /** The page's origin, where it is known; popup codes only. */
  readonly origin: string | undefined;
  readonly nonce: string | undefined;
  readonly challenge: Challenge | undefined;
  /**
   * Whether a refresh token comes with it: when consent was shown and offline access asked for (`always`), when this is
   * the first exchange for its person and client (`first`), or not at all.
   */
  readonly offline: "always" | "first" | "never";
  readonly expiresAt: number;
  used: boolean;
  /** What the exchange brought, so that a second use can end it. */
  brought?: Family;
}

export class Codes {
  readonly #clock: OwnClock;
  readonly #settings: Settings;
  readonly #codes = new Map<string, Code>();

  constructor(clock: OwnClock, settings: Settings) {
    this.#clock = clock;
    this.#settings = settings;
  }

  issue(from: Omit<Code, "value" | "expiresAt" | "used" | "brought">): Code {
    const now = this.#clock.now();
    for (const [value, code] of this.#codes) {
      if (code.expiresAt > now) break;
      this.#codes.delete(value);
    }
    const code: Code = {
      ...from,
      value: newCode(),
      expiresAt: now + this.#settings.codeTtlSeconds * 1_000,
      used: false,
    };
    this.#codes.set(code.value, code);
    return code;
  }

  /** The code while it has not expired, used or not. */
  find(value: string): Code | undefined {
    const code = this.#codes.get(value);
    return code !== undefined && code.expiresAt > this.#clock.now() ? code : undefined;
  }
}
