/*
 * After a consent for less than its grant covers was kept beside it: a look at the refresh token that is held.
 */
import { isOnbehalfError } from "../../../core/errors.ts";
import { isUsable, scopesOf } from "../../../core/grant.ts";
import { lostScopes } from "../../../core/scopes.ts";
import { scopeAfter } from "../../../oauth/token-set.ts";
import type { TokenSet } from "../../../oauth/token-set.ts";
import type { GrantRow } from "../../../store/grant-row.ts";
import type { KeeperContext } from "../context.ts";
import { isConsentBeside } from "../late-answers.ts";
import { canonicalOf } from "../scope-change.ts";

/**
 * How long a sign-in waits for a look at the refresh token that is held, milliseconds. The look then goes on, and what
 * it finds is stored.
 */
const lookWaitMs = 3_000;

/**
 * Sends the refresh token of a grant that keeps a consent for less beside it. Most often a provider sends a refresh
 * token because the person had removed the app. Then what is held is dead, and nobody would know before an API says so:
 * the page would be told that nothing is missing, and the job that it promised would fail. Where the provider refuses it,
 * the refresh takes the consent in its place. In all other cases the grant stays.
 *
 * @returns the grant as it is then; as it was, where that takes long or the provider or the store is in trouble.
 *   `isRefreshed`: the look has brought tokens, and they are stored
 */
export async function lookAtHeld(
  context: KeeperContext,
  row: GrantRow,
): Promise<{ readonly row: GrantRow; readonly isRefreshed: boolean }> {
  const { store, sleep, refresh, onFault } = context;
  // In the background, because nobody waits for its token: it takes no place from a caller, and is not repeated now.
  const looked = refresh(row, "background").then(
    (end) => end.kind === "refreshed" && end.isStored,
    (error: unknown) => {
      if (!isOnbehalfError(error)) onFault(error, "a sign-in");
      return false;
    },
  );
  const isRefreshed = (await Promise.race([looked, sleep(lookWaitMs, undefined, { ref: false })])) === true;
  try {
    return { row: (await store.grantById(row.grantId)) ?? row, isRefreshed };
  } catch (error) {
    // The consent is stored. That it cannot be read again is no failure of the sign-in.
    if (isOnbehalfError(error)) return { row, isRefreshed: false };
    throw error;
  }
}

/**
 * Whether a consent that is kept beside a grant covers all that the grant covers after the look, and more. Not where the
 * look has used it up: then it is not beside the grant any more.
 */
export async function coversMoreThan(
  context: KeeperContext,
  looked: GrantRow,
  { tokens, requestedScopes }: { readonly tokens: TokenSet; readonly requestedScopes: readonly string[] },
  codeHash: Uint8Array,
): Promise<boolean> {
  const names = canonicalOf(context, looked.provider);
  const [covered, offered] = [scopesOf(looked.scope), scopesOf(scopeAfter(tokens, undefined, requestedScopes))];
  if (lostScopes(covered, offered, names).length > 0 || lostScopes(offered, covered, names).length === 0) return false;
  // Where the store fails now, the consent stays where it is.
  return isUsable(looked.state) && (await isConsentBeside(context, looked.grantId, codeHash).catch(() => false));
}
