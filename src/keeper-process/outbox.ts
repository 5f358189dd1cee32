/**
 * Sends messages through a pipe, those of one turn of the event loop in one write: each write costs a system call here and
 * wakes the other process, which costs more than most messages do. Their order stays.
 */
export class Outbox<M> {
  readonly #send: (messages: M | readonly M[]) => void;
  readonly #unsendable: (message: M, error: unknown) => void;
  #waiting: M[] = [];

  /**
   * @param send throws before it has written anything, where what it is given cannot be sent
   * @param unsendable told of each message that cannot be sent. Those beside it are
   */
  constructor(send: (messages: M | readonly M[]) => void, unsendable: (message: M, error: unknown) => void) {
    this.#send = send;
    this.#unsendable = unsendable;
  }

  /** Sends a message at the end of this turn. */
  add(message: M): void {
    this.#waiting.push(message);
    if (this.#waiting.length === 1) setImmediate(() => this.flush());
  }

  /** Sends what waits now, as before the pipe is closed. */
  flush(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    try {
      this.#send(waiting);
    } catch {
      for (const message of waiting) this.#sendAlone(message);
    }
  }

  #sendAlone(message: M): void {
    try {
      this.#send(message);
    } catch (error) {
      this.#unsendable(message, error);
    }
  }
}

/** What an {@link Outbox} has sent, one message after another. */
export function messagesIn<M extends object>(received: M | readonly M[]): readonly M[] {
  return Array.isArray(received) ? (received as readonly M[]) : [received as M];
}
