import type { Diagnosis } from "../../core/diagnosis/diagnosis.ts";
import { reasons } from "../../core/diagnosis/reasons.ts";
import { OnbehalfError } from "../../core/errors.ts";

/**
 * Only the person can help, by consenting again.
 *
 * @param diagnosis why the grant ended
 * @param since when it did
 * @param how what an authorization request must say, where more than a sign-in is needed
 */
export function reauthorizationRequired(
  grantId: string,
  diagnosis: Diagnosis,
  since: Date,
  how?: string,
): OnbehalfError<"reauthorization_required"> {
  const { also: _also, steps: _steps, ...said } = diagnosis;
  const { reason, fix } = said;
  return new OnbehalfError(
    "reauthorization_required",
    `the person must consent again: ${reasons[reason].means}, since ${since.toISOString()}`,
    { hint: how ?? fix, details: { grantId, since, ...said } },
  );
}
