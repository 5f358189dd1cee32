import { decide, standardRefusals } from "../../../core/refresh.ts";
import type { Decision, Refusals, Rotation, TokenFailure } from "../../../core/refresh.ts";
import { isInFuture } from "../../../core/recorded-time.ts";
import { arrivalMs } from "../../../core/timing.ts";
import { noAccessToken } from "../../../oauth/token-set.ts";

/** What to do where the trial refresh of a deposited token brought no tokens. */
export type AfterDepositError =
  /** The provider works, and refuses this token. */
  | { readonly do: "refuse"; readonly error: string }
  /** Our request is wrong, whatever the token: an operator must look. The token was not used. */
  | { readonly do: "wrong-request"; readonly error: string }
  /** The provider refuses our client. The token was not used. */
  | Extract<Decision, { do: "alert-operator" }>
  /** Try later. `isLost`: the provider may have replaced the token, and does not take the old one for ever. */
  | (Extract<Decision, { do: "retry" }> & { readonly isLost: boolean });

/** What is ours whatever token is sent. All other errors may be those of one token. */
const ofEveryToken: ReadonlySet<string> = new Set(["unsupported_grant_type", "invalid_dpop_proof", "dpop_key_lost"]);

/**
 * Decides what becomes of a deposited token whose trial refresh brought no tokens. Nothing of it is stored, and whoever
 * deposits it still has it, so that no second look is needed. But a token that was replaced must not be sent again:
 * strict providers then end everything that came of it.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.2
 */
export function afterDepositError(
  failure: TokenFailure,
  rotation: Rotation,
  refusals: Refusals = standardRefusals,
): AfterDepositError {
  const { error } = failure;
  // The same again would end in the same way for ever, where the token is not replaced.
  const isEmpty = failure.kind === "unusable" && error === noAccessToken && failure.status < 300;
  if (isEmpty && rotation === "none") return { do: "refuse", error };
  const decision = decide(failure, refusals);
  switch (decision.do) {
    case "second-look":
      return { do: "refuse", error: decision.error };
    case "back-off":
      return { do: ofEveryToken.has(error.toLowerCase()) ? "wrong-request" : "refuse", error };
    case "alert-operator":
      return decision;
    case "retry":
      return { ...decision, isLost: decision.ambiguous && rotation !== "none" && !saysNotDone(failure) };
  }
}

/**
 * Whether the answer says that the request was not carried out: an overloaded server, or the one in front of it.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-15.6.4
 */
function saysNotDone(failure: TokenFailure): boolean {
  return failure.kind !== "silence" && failure.status === 503;
}

/**
 * Whether a token whose answer is lost may be sent again all the same, because the provider still takes it if it has
 * replaced it.
 *
 * @param sentAt when it was about to be sent, milliseconds since the epoch; the provider cannot have replaced it before
 * @param now milliseconds since the epoch
 */
export function maySendAgain(rotation: Rotation, sentAt: number, now: number): boolean {
  if (rotation === "none") return true;
  if (rotation === "strict" || isInFuture(sentAt, now)) return false;
  return now - sentAt + arrivalMs <= rotation.graceSeconds * 1000;
}
