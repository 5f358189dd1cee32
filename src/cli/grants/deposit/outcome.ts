import { problemOf } from "../../../index.ts";
import type { AnyOnbehalfError } from "../../../index.ts";
import type { ErrorCode } from "../../../index.ts";

/** What became of a line. */
export type Outcome = "deposited" | "already" | "refused" | "failed" | "unknown";

/** What the report says of a line. Nothing of the line itself stands in it. */
export interface ReportRow {
  readonly line: number;
  readonly outcome: Outcome;
  readonly grant_id?: string;
  readonly error?: string;
  readonly error_description?: string;
  readonly hint?: string;
  /** RFC 6749's word of the provider. */
  readonly provider_error?: string;
}

/** Errors after which the same line is sent again, once the pause is over. Nothing was lost. */
const passing: ReadonlySet<ErrorCode> = new Set(["provider_unavailable", "store_unavailable", "keeper_unavailable"]);

/**
 * Errors that every line after this one would meet, and that an operator must correct: nothing more is sent. An ID token
 * that does not verify is one, because most often a setting of ours is wrong, and each one that is sent waits for it.
 */
const ofEveryLine: ReadonlySet<ErrorCode> = new Set([
  "client_misconfigured",
  "configuration_invalid",
  "key_invalid",
  "store_unusable",
  "id_token_invalid",
  "internal_error",
]);

/** What to do with an error of a line. */
export function afterLineError(error: AnyOnbehalfError): "again" | "stop" | "next" {
  if (passing.has(error.code)) return "again";
  // Of one person alone, who belongs to another organisation than the one that the record names.
  if (error.code === "id_token_invalid" && error.details.check === "hd") return "next";
  return ofEveryLine.has(error.code) ? "stop" : "next";
}

/** How long to wait before the same line is tried again, milliseconds. */
export function pauseOf(error: AnyOnbehalfError, tries: number): number {
  const asked = "retryAfterMs" in error.details ? error.details.retryAfterMs : 1_000;
  return Math.min(60_000, Math.max(asked, 500 * 2 ** Math.min(tries, 7)));
}

/** The row of a line that failed. */
export function failedRow(line: number, error: AnyOnbehalfError): ReportRow {
  const { error_description, hint, provider_error, grant_id } = problemOf(error).body as unknown as Record<
    string,
    string | undefined
  >;
  return {
    line,
    outcome: outcomeOf(error.code),
    ...(grant_id === undefined ? {} : { grant_id }),
    error: error.code,
    ...(error_description === undefined ? {} : { error_description }),
    ...(provider_error === undefined ? {} : { provider_error }),
    ...(hint === undefined ? {} : { hint }),
  };
}

function outcomeOf(code: ErrorCode): Outcome {
  if (code === "deposit_refused") return "refused";
  return code === "deposit_outcome_unknown" ? "unknown" : "failed";
}
