import { decide, standardRefusals } from "../../../core/refresh.ts";
import type { Decision, Refusals, TokenFailure } from "../../../core/refresh.ts";

/** What to do where the exchange of a code brought no tokens. */
export type AfterCodeError =
  /** The code is used up, expired, or was issued to another client. */
  | { readonly do: "reject"; readonly error: string }
  /** What was sent beside the code does not fit it; the code itself may still be good. */
  | { readonly do: "correct"; readonly error: string }
  /** The provider refuses our client; or nothing is known of the code. */
  | Extract<Decision, { do: "alert-operator" | "retry" }>;

/**
 * Decides what becomes of a code that the provider did not exchange. Errors that speak about our set-up when a token
 * is refreshed speak about the sign-in here: another client's code, a `redirect_uri` that was not the flow's own.
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
