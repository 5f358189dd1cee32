import { OnbehalfError } from "../../core/errors.ts";
import type { LapseReason } from "../../core/grant.ts";

const explain: Readonly<Record<LapseReason, string>> = {
  invalid_grant: "the provider says the refresh token was revoked or has expired",
  reauthentication_required:
    "the provider asks for a new sign-in, for a session policy, a second factor or a new consent",
  admin_policy_enforced: "an administrator restricted what was granted",
  ended_by_provider: "the provider has told us that it ended the consent",
  no_refresh_token: "there is no refresh token, and the access token has ended or was refused",
  crash_ambiguous_rotation:
    "the provider replaced the refresh token, and the replacement was lost in a crash or on its way",
  revoked: "the grant was revoked here",
  revoked_unconfirmed: "the grant was revoked here, which the provider did not confirm",
};

/**
 * Only the person can help, by consenting again.
 *
 * @param since when the grant ended
 * @param hint what to do; to sign in again by default
 */
export function reauthorizationRequired(
  grantId: string,
  reason: LapseReason,
  since: Date,
  hint = "let the person sign in again; no retry helps",
): OnbehalfError<"reauthorization_required"> {
  return new OnbehalfError(
    "reauthorization_required",
    `the person must consent again: ${explain[reason]}, since ${since.toISOString()}`,
    { hint, details: { grantId, since, reason } },
  );
}
