import { sessionNotFound } from "../errors/session.ts";
import type { Caller } from "../http/caller.ts";
import type { CreateSessionOptions, SessionPage, SessionQuery, Sessions } from "../http/sessions.ts";

/** The sessions that one caller has made. Those of others are not there. */
export class OwnSessions {
  readonly #sessions: Sessions;
  readonly #caller: Caller;
  readonly #asCaller: <T>(work: () => T) => T;

  /** @internal Use `CallerView.sessions`. */
  constructor(sessions: Sessions, caller: Caller, asCaller: <T>(work: () => T) => T) {
    this.#sessions = sessions;
    this.#caller = caller;
    this.#asCaller = asCaller;
  }

  /** Makes a session of the caller; throws what `Vault.sessions` throws. */
  async create(options: CreateSessionOptions): ReturnType<Sessions["create"]> {
    return this.#asCaller(() => this.#sessions.create(this.#caller, options));
  }

  /** A page of them, those first that end first. */
  async list(query?: SessionQuery): Promise<SessionPage> {
    return this.#sessions.list(this.#caller, query);
  }

  /**
   * Ends one of them.
   *
   * @throws {OnbehalfError} `session_not_found`: there is none, or it is another caller's
   * @throws {OnbehalfError} `store_unavailable`
   */
  async revoke(sessionId: string): Promise<void> {
    const isEnded = await this.#asCaller(() => this.#sessions.revoke(sessionId, this.#caller));
    if (!isEnded) throw sessionNotFound();
  }
}
