import type { AccessToken, CallerView, GrantRef, Vault } from "../../../index.ts";
import { isOnbehalfError } from "../../../index.ts";
import { clientMarginMs } from "../../../core/early-return.ts";
import type { EarlyReturns } from "../../../vault/http/early-returns.ts";

/** Who asks, and by what. */
export interface Asking {
  readonly vault: Vault;
  readonly view: CallerView;
  readonly callerId: string;
  readonly returns: EarlyReturns;
  /** The connection that the request came by; undefined where nobody knows. */
  readonly connection: object | undefined;
}

/**
 * The token of a grant, or another one where an API has probably refused that.
 *
 * @param by what the token is asked for by: whoever comes back with it wants another one
 * @param assertGiven throws where a token may not be given. Whoever gets none has nothing to come back for
 */
export async function tokenFor(
  { vault, view, returns, connection }: Asking,
  by: string,
  ref: GrantRef,
  assertGiven: (token: AccessToken) => void,
): Promise<AccessToken> {
  const minTtlSeconds = clientMarginMs / 1_000;
  const token = await view.getAccessToken(ref, { minTtlSeconds });
  assertGiven(token);
  if (!returns.isRefused(by, token, vault.clock.now(), connection)) return token;
  const { grantId } = token;
  try {
    // Without a refresh token there is no other one, and a token that is said to be refused would end.
    if (!(await view.grant({ grantId })).offline) return token;
    const next = await view.getAccessToken({ grantId }, { minTtlSeconds, refused: returns.digestOf(token) });
    assertGiven(next);
    returns.isRefused(by, next, vault.clock.now(), connection);
    return next;
  } catch (error) {
    if (!isOnbehalfError(error) || !("retryAfterMs" in error.details)) throw error;
    // That it was refused is a guess: while there is no other, this one is better than none.
    returns.failed(by);
    return token;
  }
}
