/** The people whose grants a run endangers: they check a grant that is said to have ended, and sign in again. */
import type { Secret } from "../../src/core/secret.ts";
import { storedGrants } from "./stored-grants.ts";
import type { RunDatabase } from "./database.ts";
import type { ProviderProcess } from "./provider.ts";

/** One time that a service said of a grant that it has ended. */
export interface Lapse {
  readonly email: string;
  readonly reason: string;
  /** What a refresh does to a refresh token where the grant is. */
  readonly rotation: "none" | "grace" | "strict";
  /** When it ended, as the service said; milliseconds since the epoch. */
  readonly since: number;
  /** One of its refresh tokens still works, so the service was wrong. */
  readonly healthy: boolean;
}

/** Whose grant it is, and where. */
export interface Holder {
  readonly email: string;
  readonly provider: ProviderProcess;
  readonly rotation: Lapse["rotation"];
}

interface PeopleContext {
  readonly database: RunDatabase;
  readonly masterKey: Secret;
  /** By grant id. */
  readonly holders: ReadonlyMap<string, Holder>;
  /** The key of a caller of the services. */
  readonly key: string;
}

/** They sign in again whenever a grant has ended, so that there are always grants to lose. */
export class People {
  readonly lapses: Lapse[] = [];
  /** How many of these sign-ins were answered with success. */
  consents = 0;
  readonly #context: PeopleContext;
  readonly #recorded = new Set<string>();
  readonly #inProgress = new Set<string>();

  constructor(context: PeopleContext) {
    this.#context = context;
  }

  /**
   * A service said that a grant has ended: finds out whether that is true, and signs the person in again.
   *
   * @param service the URL of the service
   */
  async flagged(grantId: string, reason: string, since: number, service: string): Promise<void> {
    // Many readers are told of the same end at the same time.
    const holder = this.#context.holders.get(grantId);
    if (this.#inProgress.has(grantId) || holder === undefined) return;
    this.#inProgress.add(grantId);
    try {
      if (!this.#recorded.has(`${grantId} ${since}`)) {
        this.#recorded.add(`${grantId} ${since}`);
        const { email, rotation } = holder;
        this.lapses.push({ email, rotation, reason, since, healthy: await this.#isHealthy(grantId, holder) });
      }
      await this.#signIn(holder, service);
    } finally {
      this.#inProgress.delete(grantId);
    }
  }

  async #isHealthy(grantId: string, { provider }: Holder): Promise<boolean> {
    const { database, masterKey } = this.#context;
    const stored = (await storedGrants(database, masterKey)).find((each) => each.grantId === grantId);
    // The person has signed in again already, and the answer to that was lost on its way here.
    if (stored === undefined || stored.state === "active") return false;
    for (const token of stored.refreshTokens) if (await provider.refreshes(token)) return true;
    return false;
  }

  async #signIn({ email, provider }: Holder, service: string): Promise<void> {
    const { key } = this.#context;
    const code = await provider.code(email);
    try {
      const response = await fetch(`${service}/v1/grants`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}` },
        body: new URLSearchParams({ code, ...provider.exchange }),
        signal: AbortSignal.timeout(20_000),
      });
      await response.arrayBuffer();
      if (response.ok) this.consents += 1;
    } catch {
      // The service was killed: the next reader of the grant is told again.
    }
  }
}
