import { afterRequest } from "../../core/early-return.ts";
import type { GivenToken } from "../../core/early-return.ts";
import { tokenDigest } from "../../crypto/token-digest.ts";

/** What is looked at of an access token. */
interface Token {
  readonly token: string;
  readonly expiresAt: Date | undefined;
}

/** How many handles are remembered, and how many on one connection. */
const memoryLimit = 10_000;
const connectionLimit = 100;

/** Remembers which token each handle was given last, to notice that somebody comes back for it. Kept in memory. */
export class EarlyReturns {
  readonly #given = new Map<string, GivenToken>();
  /** On which connection which token was given for which handle. */
  readonly #connections = new WeakMap<object, Map<string, string>>();

  readonly #digests = new WeakMap<Token, string>();

  /**
   * Whether another token must be given: somebody has come back for this one, so an API has probably refused it. Where not,
   * it counts as given.
   *
   * @param connection what the request came by; undefined where nobody knows
   */
  isRefused(handleId: string, given: Token, now: number, connection: object | undefined): boolean {
    const token = this.digestOf(given);
    const known = this.#given.get(handleId);
    const isSameConnection = connection !== undefined && this.#connections.get(connection)?.get(handleId) === token;
    const next = afterRequest(known, { token, expiresAt: given.expiresAt?.getTime(), now, isSameConnection });
    if (next !== known) {
      if (known === undefined && this.#given.size >= memoryLimit) this.#given.clear();
      this.#given.set(handleId, next);
    }
    if (!next.isRefused && !isSameConnection) this.#note(handleId, token, connection);
    return next.isRefused;
  }

  /** There was no other token to be had: the same one is given, until it is time to try again. */
  failed(handleId: string): void {
    const known = this.#given.get(handleId);
    if (known !== undefined) this.#given.set(handleId, { ...known, isRefused: false });
  }

  #note(handleId: string, token: string, connection: object | undefined): void {
    if (connection === undefined) return;
    const given = this.#connections.get(connection) ?? new Map<string, string>();
    if (given.size >= connectionLimit) given.clear();
    given.set(handleId, token);
    this.#connections.set(connection, given);
  }

  /** The digest of a token. One in memory is the same object each time, so it is made once. */
  digestOf(token: Token): string {
    const known = this.#digests.get(token);
    if (known !== undefined) return known;
    const digest = tokenDigest(token.token);
    this.#digests.set(token, digest);
    return digest;
  }
}
