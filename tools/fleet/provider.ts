/** The provider: how long it takes, how much it takes, when it is away, and which refresh tokens it still accepts. */
import type { Rotation, TokenFailure } from "../../src/core/refresh.ts";
import type { Calendar } from "./calendar.ts";
import type { Checks } from "./checks.ts";
import { PerSecond } from "./figures.ts";
import type { Grants } from "./grants.ts";

export type ProviderAnswer = { readonly kind: "tokens"; readonly refreshToken: number } | TokenFailure;

/** How a provider answers that is away: by one after the other of these. */
const outageAnswers: readonly TokenFailure[] = [
  { kind: "silence", sent: false, error: "no_connection" },
  { kind: "unusable", status: 502, error: "http_502" },
  { kind: "oauth-error", status: 503, error: "temporarily_unavailable", retryAfterMs: 5_000 },
];

/** A share of the requests that goes wrong on any day. */
const oddShare = 0.0002;

export class SimulatedProvider {
  readonly #calendar: Calendar;
  readonly #grants: Grants;
  readonly #checks: Checks;
  readonly #random: () => number;
  readonly #rotation: Rotation;
  readonly #quota: number;
  isDown = false;
  #outages = 0;
  /** Requests, and how many of them were refused because there were too many. */
  readonly requests: PerSecond;
  readonly exchanges: PerSecond;
  readonly overQuota: PerSecond;

  /** @param options.quota how many requests it takes within a second */
  constructor(
    model: { calendar: Calendar; grants: Grants; checks: Checks },
    random: () => number,
    { rotation, quota, seconds }: { rotation: Rotation; quota: number; seconds: number },
  ) {
    this.#calendar = model.calendar;
    this.#grants = model.grants;
    this.#checks = model.checks;
    this.#random = random;
    this.#rotation = rotation;
    this.#quota = quota;
    const series = (): PerSecond => new PerSecond(seconds);
    [this.requests, this.exchanges, this.overQuota] = [series(), series(), series()];
  }

  /**
   * Sends a grant's refresh token.
   *
   * @param sent its number
   * @param arrived called when the provider has acted on it, whoever still waits for the answer
   */
  async exchange(grant: number, sent: number, arrived: () => void): Promise<ProviderAnswer> {
    const latencyMs = this.#latencyMs();
    await this.#calendar.sleep(latencyMs / 2);
    const answer = this.#answer(grant, sent);
    if (answer.kind === "tokens") arrived();
    await this.#calendar.sleep(latencyMs / 2);
    return answer;
  }

  #answer(grant: number, sent: number): ProviderAnswer {
    const second = Math.floor(this.#calendar.now / 1_000);
    this.requests.add(second);
    if (this.isDown) {
      this.#outages += 1;
      return outageAnswers[this.#outages % outageAnswers.length] as TokenFailure;
    }
    if (this.requests.at(second) > this.#quota) {
      this.overQuota.add(second);
      return { kind: "oauth-error", status: 429, error: "rate_limit_exceeded", retryAfterMs: 1_000 };
    }
    if (this.#random() < oddShare) return { kind: "unusable", status: 500, error: "http_500" };
    this.exchanges.add(second);
    return { kind: "tokens", refreshToken: this.#rotate(grant, sent, second) };
  }

  /** The token that takes the place of the one that was sent. */
  #rotate(grant: number, sent: number, second: number): number {
    const { newest, rotatedAt } = this.#grants;
    const current = newest[grant] ?? 0;
    if (this.#rotation === "none") return current;
    if (sent !== current) {
      const inGrace =
        this.#rotation !== "strict" &&
        sent === current - 1 &&
        second - (rotatedAt[grant] ?? 0) <= this.#rotation.graceSeconds;
      if (!inGrace) this.#checks.lost(grant, `token ${sent} was sent where ${current} is the newest`);
    }
    newest[grant] = current + 1;
    rotatedAt[grant] = second;
    return current + 1;
  }

  /** Mostly a fifth of a second, log-normal; one in a thousand takes seconds. */
  #latencyMs(): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.#random())) * Math.cos(2 * Math.PI * this.#random());
    const usual = 180 * Math.exp(0.45 * normal);
    return Math.min(29_000, this.#random() < 0.001 ? usual * 15 : usual);
  }
}
