import { afterAnswer, standardRefusals } from "../../../core/refresh.ts";
import type { AfterAnswer, Refusals, TokenAnswer } from "../../../core/refresh.ts";

/** What an answer to a code exchange means, where it brought no tokens. */
export type AfterCodeError =
  /** The code is used up, expired, or was issued to another client. */
  | { readonly do: "reject"; readonly error: string }
  /** What was sent beside the code does not fit it; the code itself may still be good. */
  | { readonly do: "correct"; readonly error: string }
  /** Our client is refused; or nothing is known of the code. */
  | Extract<AfterAnswer, { do: "alert-operator" | "retry" }>;

/**
 * Decides what becomes of a code that the provider did not exchange. Errors that speak about our set-up when a token
 * is refreshed speak about the sign-in here: another client's code, a `redirect_uri` that was not the flow's own.
 *
 * @see RFC 6749 section 5.2
 */
export function afterCodeError(answer: TokenAnswer, refusals: Refusals = {}): AfterCodeError {
  if (answer.kind === "refusal" && answer.status < 429) {
    if (answer.error === "unauthorized_client") return { do: "reject", error: answer.error };
    if (/^(?:redirect_uri_mismatch|invalid_request|invalid_scope)$/.test(answer.error)) {
      return { do: "correct", error: answer.error };
    }
  }
  const verdict = afterAnswer(answer, { ...standardRefusals, ...refusals });
  switch (verdict.do) {
    case "second-look":
      return { do: "reject", error: answer.kind === "refusal" ? answer.error : verdict.error };
    case "alert-operator":
    case "retry":
      return verdict;
    case "commit":
      return { do: "retry", error: "no_access_token", ambiguous: true };
  }
}
