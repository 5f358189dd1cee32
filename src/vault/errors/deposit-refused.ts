import { OnbehalfError } from "../../core/errors.ts";

/** What to do where the provider refuses a deposited refresh token, by the provider's error code. */
const hints: Readonly<Record<string, string>> = {
  invalid_grant:
    "it was revoked, has expired, was replaced by a newer one, or was issued to another client: deposit the newest one, " +
    "with the client that it was issued to, or ask the person to sign in",
  unauthorized_client:
    "it was issued to another client, or this client may not refresh: configure the client that the token was issued to",
  no_access_token:
    "the answer held no token that can be sent as a bearer token: look at the token_type that the provider answers",
};

/**
 * The provider refuses a refresh token that was deposited.
 *
 * @param providerError the provider's `error`
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.2
 */
export function depositRefused(provider: string, providerError: string): OnbehalfError<"deposit_refused"> {
  return new OnbehalfError("deposit_refused", `${provider} refused the refresh token (${providerError})`, {
    hint:
      (Object.hasOwn(hints, providerError) ? hints[providerError] : undefined) ??
      "look up this error in the provider's documentation; nothing was stored, and it may be deposited again",
    details: { providerError },
  });
}

/**
 * A refresh token was sent, and nobody has the answer.
 *
 * @param sentAt when, milliseconds since the epoch
 */
export function depositOutcomeUnknown(provider: string, sentAt: number): OnbehalfError<"deposit_outcome_unknown"> {
  return new OnbehalfError(
    "deposit_outcome_unknown",
    `the refresh token may have been sent to ${provider}, and the answer is lost`,
    {
      hint:
        "if nothing else holds a newer token of this person, deposit it once more with send_again (sendAgain; " +
        "--send-again): it works unless the provider has replaced it, and then the person must sign in again",
      details: { sentAt: new Date(sentAt) },
    },
  );
}
