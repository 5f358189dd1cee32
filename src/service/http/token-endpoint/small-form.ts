import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";

/** A body that is longer asks for something else than a token by a handle. */
const limitBytes = 2_048;

/** Whether a request is one to the token endpoint with a small form, whose body may be read before the service sees it. */
export function isSmallForm({ method, url, headers }: IncomingMessage): boolean {
  if (method !== "POST" || url !== "/oauth/token") return false;
  const { "content-type": type, "content-length": length = "" } = headers;
  if (type !== "application/x-www-form-urlencoded" && type !== "application/x-www-form-urlencoded;charset=UTF-8") {
    return false;
  }
  if (length.length > 4 || !(Number(length) > 0 && Number(length) <= limitBytes)) return false;
  return (
    headers["transfer-encoding"] === undefined &&
    headers["content-encoding"] === undefined &&
    headers.expect === undefined &&
    headers.upgrade === undefined
  );
}

/**
 * Reads small forms. One timer watches over all of them: one for each request would cost as much as its answer. It runs while
 * there are any, since each waking of an idle service costs.
 */
export class SmallForms {
  /** Those that came since the last look, and before it. Nearly always, a body is there with its headers. */
  #young = new Set<IncomingMessage>();
  #old = new Set<IncomingMessage>();
  readonly #ms: number;
  readonly #end: (incoming: IncomingMessage) => void;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param ms how long a body may take to come; half of it is enough for one to be called too slow
   * @param end called for a request whose body is too slow
   */
  constructor(ms: number, end: (incoming: IncomingMessage) => void) {
    this.#ms = ms;
    this.#end = end;
  }

  /**
   * Calls `then` once the body is there. Where the connection ends before, nobody waits for an answer.
   *
   * It takes the bytes as Node's parser hands them to the request's stream. To read the stream costs half as much again as all
   * the rest of an answer from memory; whoever reads it later finds it ended and empty.
   */
  read(incoming: IncomingMessage, then: (body: Buffer) => void): void {
    const push = (chunk: null): boolean => Readable.prototype.push.call(incoming, chunk);
    let body: Buffer | undefined;
    this.#young.add(incoming);
    this.#timer ??= setInterval(() => this.#look(), this.#ms / 2).unref();
    incoming.push = (chunk: Buffer | null): boolean => {
      if (chunk !== null) {
        body = body === undefined ? chunk : Buffer.concat([body, chunk]);
        return true;
      }
      const more = push(null);
      if (!this.#young.delete(incoming)) this.#old.delete(incoming);
      then(body ?? Buffer.alloc(0));
      return more;
    };
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const slow = this.#old;
    [this.#old, this.#young] = [this.#young, new Set()];
    for (const incoming of slow) if (!incoming.destroyed) this.#end(incoming);
    if (this.#old.size === 0) this.close();
  }
}
