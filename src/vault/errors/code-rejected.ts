import { OnbehalfError } from "../../core/errors.ts";

/** What to do where the provider rejects a code, by the provider's error code. For any other: start a new sign-in. */
const hints: Readonly<Record<string, string>> = {
  invalid_grant:
    "a code works once and for ten minutes: start a new sign-in. If it happens every time, the code belongs to another client, or was encoded twice",
  redirect_uri_mismatch:
    "set source to where the code came from: android or ios for a phone, web-popup for a popup, web-redirect together with the redirect_uri of the sign-in",
  no_access_token:
    "its answer held no token that can be sent as a bearer token: look at the token_type that the provider answers, then start a new sign-in",
  unauthorized_client: "the code was issued to another client: use this client's id as serverClientId in the app",
};

/**
 * The provider rejected the code.
 *
 * @param providerError the provider's `error`
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.2
 */
export function codeRejected(providerError: string): OnbehalfError<"code_rejected"> {
  return new OnbehalfError("code_rejected", `the provider rejected the code (${providerError})`, {
    hint: (Object.hasOwn(hints, providerError) ? hints[providerError] : undefined) ?? "start a new sign-in",
    details: { providerError },
  });
}

/** The code was used by an earlier request, and this request differs from it or comes too late to get its result. */
export function codeReused(): OnbehalfError<"code_rejected"> {
  return new OnbehalfError("code_rejected", "the code was used before", {
    hint: "a code works once: start a new sign-in",
    details: {},
  });
}

/** What a sign-in is told that somebody ended with another account than the one that it was for. */
export const otherAccountError = "other_account";

/** Somebody has consented with another account than the one that the sign-in was for. */
export function otherAccount(provider: string): OnbehalfError<"code_rejected"> {
  return new OnbehalfError(
    "code_rejected",
    `another account of ${provider} has consented than the one that was meant`,
    {
      hint: "start a new sign-in, and choose the account that was connected before; for another account, connect it on its own",
      details: { providerError: otherAccountError },
    },
  );
}

/** The provider sent tokens, and no ID token with them. */
export function idTokenMissing(): OnbehalfError<"id_token_invalid"> {
  return new OnbehalfError("id_token_invalid", "the provider sent no ID token, so nobody knows who signed in", {
    hint: "add the scope openid to the sign-in",
    details: { check: "missing" },
  });
}
