import { AsyncLocalStorage } from "node:async_hooks";

/** What is known of a request that an SDK sends. */
export interface SentRequest {
  /** The SHA-256, in hex, of the token that it was given. Undefined: it was given none. */
  digest: string | undefined;
  /** How often the SDK has begun to sign in for it, and has not asked for the tokens yet that it would refresh. */
  signIns: number;
  /** Whether the SDK was given a token in place of the provider's answer, and has not taken it yet. */
  isAnswered: boolean;
  /** Why there is no other token, where the person cannot help. */
  failure: unknown;
  /** How often the person had been sent away before it was sent. */
  redirects: number;
}

interface Owned {
  readonly owner: object;
  readonly request: SentRequest;
}

/**
 * One for all providers: each would be carried on for as long as the code runs that made the request, and a program that makes
 * a provider for each person would gather them.
 */
const requests = new AsyncLocalStorage<Owned>();

/**
 * Knows which token a request was sent with that was then refused. The SDK does not say it. Were it always the last one that
 * was handed out, twenty requests that are refused together would each end the token that the one before has just got.
 */
export class SentRequests {
  #last: SentRequest = newRequest();

  /**
   * Notes that a request is given a token. It must be called before the first `await` of the method that the SDK calls: what
   * is noted goes on with the SDK's own code from there.
   *
   * @returns the request, whose `digest` is to be set once the token is known
   */
  begin(): SentRequest {
    this.#last = newRequest();
    requests.enterWith({ owner: this, request: this.#last });
    return this.#last;
  }

  /** The request that is on its way here. */
  get current(): SentRequest {
    const carried = requests.getStore();
    // A wrapper of the SDK may have lost it: the last one is then the best guess.
    return carried?.owner === this ? carried.request : this.#last;
  }
}

function newRequest(): SentRequest {
  return { digest: undefined, signIns: 0, isAnswered: false, failure: undefined, redirects: 0 };
}
