import type { Secret } from "../../src/core/secret.ts";
import { storedGrants } from "./stored-grants.ts";
import type { RunDatabase } from "./database.ts";
import type { ProviderProcess } from "./provider.ts";

/** A grant that was said to have ended, once. */
export interface Lapse {
  readonly email: string;
  readonly reason: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** One of its refresh tokens still works: it was said wrongly. */
  readonly healthy: boolean;
}

interface Surroundings {
  readonly provider: ProviderProcess;
  readonly database: RunDatabase;
  readonly masterKey: Secret;
  /** By grant id. */
  readonly emails: ReadonlyMap<string, string>;
  /** A caller's. */
  readonly key: string;
}

/** Those whose grants they are: told that one has ended, they sign in again, so that there is always enough to lose. */
export class People {
  readonly lapses: Lapse[] = [];
  /** How often somebody signed in again, as far as was answered. */
  consents = 0;
  readonly #surroundings: Surroundings;
  readonly #known = new Set<string>();
  readonly #busy = new Set<string>();

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  /**
   * A grant's end was said: looks whether it is true, and signs the person in again.
   *
   * @param service where
   */
  async flagged(grantId: string, reason: string, since: number, service: string): Promise<void> {
    // Many are told the same.
    if (this.#busy.has(grantId)) return;
    this.#busy.add(grantId);
    try {
      if (!this.#known.has(`${grantId} ${since}`)) {
        this.#known.add(`${grantId} ${since}`);
        const email = this.#surroundings.emails.get(grantId) ?? "";
        this.lapses.push({ email, reason, since, healthy: await this.#isHealthy(grantId) });
      }
      await this.#signIn(grantId, service);
    } finally {
      this.#busy.delete(grantId);
    }
  }

  async #isHealthy(grantId: string): Promise<boolean> {
    const { database, masterKey, provider } = this.#surroundings;
    const stored = (await storedGrants(database, masterKey)).find((each) => each.grantId === grantId);
    // Signed in again already, after an answer that was lost on its way to us.
    if (stored === undefined || stored.state === "active") return false;
    for (const token of stored.refreshTokens) if (await provider.refreshes(token)) return true;
    return false;
  }

  async #signIn(grantId: string, service: string): Promise<void> {
    const { provider, emails, key } = this.#surroundings;
    const code = await provider.code(emails.get(grantId) ?? "");
    try {
      const response = await fetch(`${service}/v1/grants`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}` },
        body: new URLSearchParams({ code, source: "android" }),
        signal: AbortSignal.timeout(20_000),
      });
      await response.arrayBuffer();
      if (response.ok) this.consents += 1;
    } catch {
      // The service was killed: whoever reads the grant next is told again.
    }
  }
}
