/**
 * What it means that a client comes back to the token endpoint for a token that it was given already. OAuth has no word by
 * which a client says that an API refused a token: the libraries ask for another one, and say nothing.
 */

/**
 * How long before its end client libraries replace a token, at the most, and a little more; milliseconds. Google's take 10
 * seconds to 5 minutes.
 */
export const clientMarginMs = 330_000;

/** For how long the requests of programs that begin at the same moment may be apart, milliseconds. */
const togetherMs = 1_000;
/** How long after a token was replaced for this reason the next one is not. It doubles each time. Milliseconds. */
const firstDelayMs = 30_000;
const longestDelayMs = 3_600_000;

/** What is remembered of the token that was given last for a handle. Times are milliseconds since the epoch. */
export interface GivenToken {
  /** Its digest. */
  readonly token: string;
  /** When it was given first. */
  readonly firstAt: number;
  /** Whether somebody has come back for it. */
  readonly cameBack: boolean;
  /** Whether it is taken to have been refused: whoever comes now waits for the next one. */
  readonly isRefused: boolean;
  /** How many tokens in a row were replaced because somebody came back. */
  readonly replaced: number;
  readonly replacedAt: number;
}

/** A token that would be given. */
export interface TokenRequest {
  /** Its digest. */
  readonly token: string;
  /** When it ends; undefined where nobody knows. */
  readonly expiresAt: number | undefined;
  readonly now: number;
  /** Whether it was given before on the very connection on which it is asked for now. */
  readonly isSameConnection: boolean;
}

/**
 * Takes a request for a token of a handle to account. A client comes back early because an API has refused the token, or
 * because it is another process of many that share the handle and that live too shortly to keep a token. The first needs
 * another token; the second must not cost an exchange each. Nobody can tell one from the other, so a token that somebody
 * comes back for is replaced, and where they come back for the new one as well, ever more seldom.
 *
 * @returns what to remember; where it `isRefused`, another token must be given
 */
export function afterRequest(known: GivenToken | undefined, request: TokenRequest): GivenToken {
  const { token, expiresAt, now, isSameConnection } = request;
  if (known?.token !== token) {
    // Of the token before, nobody had come back: it lived as tokens do, and what was before that is forgiven.
    const { replaced, replacedAt } = known?.cameBack === true ? known : never;
    return { token, firstAt: now, cameBack: false, isRefused: false, replaced, replacedAt };
  }
  if (known.isRefused) return known;
  if (expiresAt !== undefined && expiresAt - now <= clientMarginMs) return known;
  // Programs that begin together, or one that asks twenty times at once. On one connection a request follows its answer.
  if (!isSameConnection && Math.abs(now - known.firstAt) < togetherMs) return known;
  const { replaced, replacedAt } = known;
  const delayMs = replaced === 0 ? 0 : Math.min(longestDelayMs, firstDelayMs * 2 ** (replaced - 1));
  if (Math.abs(now - replacedAt) < delayMs) return known.cameBack ? known : { ...known, cameBack: true };
  return { ...known, cameBack: true, isRefused: true, replaced: replaced + 1, replacedAt: now };
}

const never = { replaced: 0, replacedAt: -Infinity };
