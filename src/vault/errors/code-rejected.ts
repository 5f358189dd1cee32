import { OnbehalfError } from "../../core/errors.ts";

/** Why a provider rejects a code, with what to do; anything else gets the general hint. */
const hints: Readonly<Record<string, string>> = {
  invalid_grant:
    "a code works once and for ten minutes: start a new sign-in. If it happens every time, the code is another client's, or was encoded twice",
  redirect_uri_mismatch:
    "say where the code came from: source=android or ios for a phone's, web-popup for a popup's, web-redirect with the flow's own redirect_uri",
  unauthorized_client: "the code was issued to another client: use this client's id as serverClientId in the app",
};

/**
 * The provider rejected the code.
 *
 * @param providerError RFC 6749's `error`
 */
export function codeRejected(providerError: string): OnbehalfError<"code_rejected"> {
  return new OnbehalfError("code_rejected", `the provider rejected the code (${providerError})`, {
    hint: (Object.hasOwn(hints, providerError) ? hints[providerError] : undefined) ?? "start a new sign-in",
    details: { providerError },
  });
}

/** The code came before, and this is not the same request. */
export function codeReused(): OnbehalfError<"code_rejected"> {
  return new OnbehalfError("code_rejected", "the code was used before", {
    hint: "a code works once: start a new sign-in",
    details: {},
  });
}

/** No identity came with the tokens. */
export function idTokenMissing(): OnbehalfError<"id_token_invalid"> {
  return new OnbehalfError("id_token_invalid", "the provider sent no ID token, so nobody knows who signed in", {
    hint: "add the scope openid to the sign-in",
    details: { check: "missing" },
  });
}
