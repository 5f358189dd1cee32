import type { Diagnosis } from "../../core/diagnosis/diagnosis.ts";
import { reasons } from "../../core/diagnosis/reasons.ts";
import type { LapseReason } from "../../core/grant-state.ts";
import type { GrantRow } from "../../store/grant-row.ts";
import { protocolOf } from "../context.ts";
import type { VaultContext } from "../context.ts";
import { reauthorizationRequired } from "../errors/reauthorization-required.ts";
import { diagnosisOf, learnLives } from "../grants/diagnosed.ts";

/**
 * Tells the caller of a grant without a token that works, and with none to get one, why that is.
 *
 * @throws {OnbehalfError} `reauthorization_required`; `client_misconfigured`: the grant's client is not configured here
 */
export async function reauthorize(context: VaultContext, row: GrantRow, reason: LapseReason): Promise<never> {
  await learnLives(context, [row]);
  if (reason !== "no_refresh_token") {
    throw reauthorizationRequired(row.grantId, whyNot(context, row, reason), new Date(row.stateSince));
  }
  const ended = Math.min(row.accessExpiresAt ?? row.stateSince, context.clock.now());
  const { offlineHint } = protocolOf(context, row).provider;
  throw reauthorizationRequired(row.grantId, whyNot(context, row, reason), new Date(ended), offlineHint);
}

/** The diagnosis of the row; of a row that says nothing of this reason, what is known of the reason alone. */
function whyNot(context: VaultContext, row: GrantRow, reason: LapseReason): Diagnosis {
  const found = diagnosisOf(context, row);
  const fits = row.state === "lapsed" || row.state === "revoked" || found?.reason === reason;
  if (found !== undefined && fits) return found;
  const { dependsOn, fix, means } = reasons[reason];
  return { reason, certainty: "certain", evidence: [{ at: new Date(row.stateSince), what: means }], dependsOn, fix };
}
