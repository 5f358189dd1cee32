import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";

/** The token that a request was given, once it is known. */
interface SentToken {
  readonly owner: object;
  /** The SHA-256 of the token, in hex. */
  digest: string | undefined;
}

/**
 * One for all providers: each would be carried on for as long as the code runs that made the request, and a program that makes
 * a provider for each person would gather them.
 */
const requests = new AsyncLocalStorage<SentToken>();

/**
 * Knows which token a request was sent with that was then refused. The SDK does not say it. Were it always the last one that
 * was handed out, twenty requests that are refused together would each end the token that the one before has just got.
 */
export class SentTokens {
  #last: string | undefined;

  /**
   * Notes that a request is given a token. It must be called before the first `await` of the method that the SDK calls: what
   * is noted goes on with the SDK's own code from there.
   *
   * @returns what to tell the token, once it is known
   */
  begin(): (token: string) => void {
    const sent: SentToken = { owner: this, digest: undefined };
    requests.enterWith(sent);
    return (token) => {
      sent.digest = digestOf(token);
      this.#last = sent.digest;
    };
  }

  /** The SHA-256 of the token that the request was sent with that runs now; undefined where none was. */
  get current(): string | undefined {
    const sent = requests.getStore();
    // A wrapper of the SDK may have lost it: the last one that was handed out is then the best guess.
    return sent?.owner === this ? sent.digest : this.#last;
  }
}

function digestOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
