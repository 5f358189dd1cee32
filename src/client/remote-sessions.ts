/** Sessions of the caller over HTTP. */
import { assertFits, required, text } from "../core/argument-checks.ts";
import { isOnbehalfError } from "../core/errors.ts";
import { Secret } from "../core/secret.ts";
import type { CreateSessionOptions, SessionQuery } from "../index.ts";
import { sessionIn, sessionPageIn } from "./answers.ts";
import type { RemoteSession, RemoteSessionPage } from "./answers.ts";
import { Members } from "./members.ts";
import { membersOf, queryOf } from "./sent-options.ts";
import type { Sending, ServiceLine } from "./service-line.ts";

/**
 * Makes, lists and ends sessions of the caller whose key it is: keys that may do no more than it, for minutes or hours. Each verb
 * throws what that of `Vault.sessions` throws.
 */
export class RemoteSessions {
  readonly #line: ServiceLine;
  readonly #sending: Sending;

  /** @internal Use `RemoteVault.sessions`. */
  constructor(line: ServiceLine, sending: Sending) {
    this.#line = line;
    this.#sending = sending;
  }

  /**
   * Makes a session. One whose answer was lost is of no use to anybody, and ends by itself.
   *
   * @returns the session, and its key, which is shown here and never again
   */
  async create(options: CreateSessionOptions): Promise<{ readonly session: RemoteSession; readonly key: Secret }> {
    const body = membersOf("sessions.create", options);
    return this.#line.ask(
      { method: "POST", path: "/v1/sessions", body },
      (answer) => ({ session: sessionIn(answer.body), key: new Secret(new Members(answer.body).text("key")) }),
      this.#sending,
    );
  }

  /** A page of sessions, those first that end first. */
  async list(query: SessionQuery = {}): Promise<RemoteSessionPage> {
    const path = `/v1/sessions${queryOf("sessions.list", query)}`;
    return this.#line.ask({ method: "GET", path }, (answer) => sessionPageIn(answer.body), this.#sending);
  }

  /**
   * Ends a session.
   *
   * @throws {OnbehalfError} `session_not_found`: there is none, or it is another caller's
   */
  async revoke(sessionId: string): Promise<void> {
    assertFits("sessionId", sessionId, required(text));
    const path = `/v1/sessions/${encodeURIComponent(sessionId)}`;
    let tries = 0;
    const onTry = (): void => {
      tries += 1;
    };
    try {
      await this.#line.ask({ method: "DELETE", path }, () => undefined, { ...this.#sending, onTry });
    } catch (error) {
      // An earlier try has ended it, and its answer was lost.
      if (!isOnbehalfError(error, "session_not_found") || tries === 1) throw error;
    }
  }
}
