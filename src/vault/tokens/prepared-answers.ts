import type { ReadCounts } from "../../core/figures.ts";
import type { GrantRef } from "../../core/grant.ts";
import { freshBetween } from "../../core/token-life.ts";
import type { Release } from "../audit/releases.ts";
import type { VaultContext } from "../context.ts";
import { isOurs } from "../grants/find-grant.ts";
import type { KnownReference } from "./references.ts";
import type { AccessToken, CachedToken, MadeOfToken, TokenCache } from "./token-cache.ts";

const hourMs = 3_600_000;

/**
 * That a caller may be given a token for a request, decided once: for as long as nothing changes of all that the decision
 * was made of.
 */
interface Answer extends MadeOfToken {
  /** By what the request names the grant; undefined where by its own id. */
  readonly reference: KnownReference<CachedToken> | undefined;
  /** The record that the caller was given this token; undefined where nothing is recorded. */
  readonly release: Release | undefined;
  /**
   * From when until when the token surely lives for as long as the request asks: whole seconds since the epoch, which take no
   * memory of their own.
   */
  readonly from: number;
  readonly until: number;
  /** The last hour in which the caller's use of the grant was noted. */
  notedHour: number;
}

/** A token that may be handed out, and the record of that. */
export interface HeldToken {
  readonly token: CachedToken;
  readonly release: Release | undefined;
}

/** What an answer is made of. */
export interface PreparedAnswer {
  /** What was made of the token: the beginning of the answer. */
  readonly text: string;
  /** When the token ends, milliseconds since the epoch. Undefined: nobody knows. */
  readonly endsAt: number | undefined;
}

/** What the vault does before a token may be answered with again and again. */
interface Parts {
  /** Decides whether the caller may be given the token, as it is in memory. */
  hold(
    ref: GrantRef,
    minTtlSeconds: number,
  ): (HeldToken & { readonly reference: KnownReference<CachedToken> | undefined }) | undefined;
  /** Where reads are counted. */
  readonly reads: ReadCounts;
  /** Notes that the caller uses a grant. */
  noteRead(grantId: string): void;
}

/**
 * What one caller is answered with again and again: found by one look, under the very text of the request. Memory is the
 * cache's: answers go with their token.
 */
export class PreparedAnswers {
  /** Each under the text of its request. */
  readonly #answers = new Map<string, Answer>();
  readonly #context: Pick<VaultContext, "clock" | "protocols">;
  readonly #cache: TokenCache;
  readonly #parts: Parts;

  constructor(context: Pick<VaultContext, "clock" | "protocols">, cache: TokenCache, parts: Parts) {
    this.#context = context;
    this.#cache = cache;
    this.#parts = parts;
  }

  /**
   * The answer to a request, where it was prepared and nothing has changed since. The read is counted.
   *
   * @param key the request
   * @param now milliseconds since the epoch, by the vault's clock
   */
  find(key: string, now: number): PreparedAnswer | undefined {
    const { rest } = this.#cache;
    rest.isAskedFor = true;
    if (rest.isResting) return rest.wake();
    const answer = this.#answers.get(key);
    const second = now / 1_000;
    if (answer === undefined || second < answer.from || second >= answer.until) return undefined;
    const { token, reference, release } = answer;
    if (!token.isKept || reference?.isKept === false || release?.isKnown === false) return undefined;
    // Another process may have registered another client meanwhile.
    if (!isOurs(this.#context, token)) return undefined;
    token.used = true;
    token.isVisited = true;
    this.#count(answer, now);
    return token;
  }

  /**
   * Prepares the answer to a request.
   *
   * @param key the request
   * @param make what an answer begins with, in characters of one byte each
   * @param isCounted whether this is a read to be counted; where the token has just been handed out, it was
   * @returns undefined where the token is not in memory, or was never given to this caller
   */
  prepare(
    key: string,
    ref: GrantRef,
    minTtlSeconds: number,
    make: (token: AccessToken) => string,
    isCounted: boolean,
  ): PreparedAnswer | undefined {
    const held = this.#parts.hold(ref, minTtlSeconds);
    if (held === undefined) return undefined;
    const { token, release, reference } = held;
    const fresh = freshBetween(token.life, minTtlSeconds * 1_000);
    const [from, until] = [Math.ceil(fresh.from / 1_000), Math.floor(fresh.until / 1_000)];
    token.makeText(make);
    const answer: Answer = {
      home: this.#answers,
      key,
      token,
      reference,
      release,
      from,
      until,
      notedHour: -1,
      next: undefined,
    };
    this.#cache.keepAnswer(answer);
    if (isCounted) this.#count(answer, this.#context.clock.now());
    return token;
  }

  #count(answer: Answer, now: number): void {
    this.#parts.reads.memory += 1;
    if (answer.release !== undefined) answer.release.reads += 1;
    const hour = Math.floor(now / hourMs);
    if (hour === answer.notedHour) return;
    answer.notedHour = hour;
    this.#parts.noteRead(answer.token.grantId);
  }
}
