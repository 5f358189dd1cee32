import { decide, saysLater, standardRefusals } from "../../../core/refresh.ts";
import type { Decision, Refusals, TokenFailure } from "../../../core/refresh.ts";
import { noAccessToken } from "../../../oauth/token-set.ts";

/** What to do where the provider sent no tokens for a code. */
export type AfterCodeError =
  /** The provider will not exchange this code: used up, expired, another client's, or for a reason of its own. */
  | { readonly do: "reject"; readonly error: string }
  /** A parameter that was sent with the code does not fit it. The code itself may still be good. */
  | { readonly do: "correct"; readonly error: string }
  /** The provider knows no exchange of codes, or not in our form: an operator must look. The code may be good. */
  | { readonly do: "wrong-request"; readonly error: string }
  /** The provider refuses our client; or it failed, and nothing is known of the code. */
  | Extract<Decision, { do: "alert-operator" | "retry" }>;

/**
 * Decides what becomes of a code that the provider did not exchange. Some errors mean something else here than at a
 * refresh. There they say that our set-up is wrong; here they say that the sign-in was: the code belongs to another
 * client, or the `redirect_uri` is not the one that the sign-in was started with. A refusal that nobody here knows ends
 * the code, too: the provider works and will say the same of this code again.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.2
 */
export function afterCodeError(failure: TokenFailure, refusals: Refusals = standardRefusals): AfterCodeError {
  const { error } = failure;
  // For its size the provider did not read the request, so the code was not used up. It says nothing of the provider:
  // counted as an outage, a few such requests of a stranger would keep everybody's sign-ins from being served.
  if (failure.kind === "unusable" && isTooLarge(failure.status)) return { do: "correct", error: "request_too_large" };
  if (failure.kind === "oauth-error" && failure.status < 500 && !saysLater(failure.status)) {
    if (error.toLowerCase() === "unauthorized_client") return { do: "reject", error };
    if (/^(?:redirect_uri_mismatch|invalid_request|invalid_scope)$/i.test(error)) return { do: "correct", error };
  }
  // The provider answered with success, so it has used the code up. To send it again would end in the same way for ever.
  if (failure.kind === "unusable" && error === noAccessToken && failure.status < 300) return { do: "reject", error };
  const decision = decide(failure, refusals);
  switch (decision.do) {
    case "second-look":
      return { do: "reject", error };
    case "back-off":
      return { do: decision.isOurs ? "wrong-request" : "reject", error };
    case "alert-operator":
    case "retry":
      return decision;
  }
}

/**
 * Whether a status speaks of the request's size alone.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-15.5.14
 * @see https://www.rfc-editor.org/rfc/rfc6585#section-5
 */
function isTooLarge(status: number): boolean {
  return status === 413 || status === 414 || status === 431;
}
