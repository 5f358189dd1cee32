import { decide, standardRefusals } from "../../../core/refresh.ts";
import type { Decision, Refusals, TokenFailure } from "../../../core/refresh.ts";

/** What to do where the provider sent no tokens for a code. */
export type AfterCodeError =
  /** The code is used up, expired, or was issued to another client. */
  | { readonly do: "reject"; readonly error: string }
  /** A parameter that was sent with the code does not fit it. The code itself may still be good. */
  | { readonly do: "correct"; readonly error: string }
  /** The provider refuses our client; or it failed, and nothing is known of the code. */
  | Extract<Decision, { do: "alert-operator" | "retry" }>;

/**
 * Decides what becomes of a code that the provider did not exchange. Some errors mean something else here than at a
 * refresh. There they say that our set-up is wrong; here they say that the sign-in was: the code belongs to another
 * client, or the `redirect_uri` is not the one that the sign-in was started with.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.2
 */
export function afterCodeError(failure: TokenFailure, refusals: Refusals = {}): AfterCodeError {
  if (failure.kind === "oauth-error" && failure.status < 429) {
    if (failure.error === "unauthorized_client") return { do: "reject", error: failure.error };
    if (/^(?:redirect_uri_mismatch|invalid_request|invalid_scope)$/.test(failure.error)) {
      return { do: "correct", error: failure.error };
    }
  }
  const decision = decide(failure, { ...standardRefusals, ...refusals });
  return decision.do === "second-look" ? { do: "reject", error: failure.error } : decision;
}
