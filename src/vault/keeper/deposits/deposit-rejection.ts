import type { OnbehalfError } from "../../../core/errors.ts";
import type { IntakeRow } from "../../../store/intake-store.ts";
import { depositRefused } from "../../errors/deposit-refused.ts";

/** The refusal of a token as the text that is stored. */
export function depositRejection({ details }: OnbehalfError<"deposit_refused">): string {
  return JSON.stringify({ code: "deposit_refused", details });
}

/** Reads the text of {@link depositRejection}. One that somebody wrote by hand refuses the token all the same. */
export function depositRejectionOf(provider: string, { rejection }: IntakeRow): OnbehalfError<"deposit_refused"> {
  return depositRefused(provider, providerErrorIn(rejection ?? "") ?? "refused_before");
}

function providerErrorIn(text: string): string | undefined {
  try {
    const { details } = JSON.parse(text) as { readonly details?: { readonly providerError?: unknown } };
    return typeof details?.providerError === "string" ? details.providerError : undefined;
  } catch {
    return undefined;
  }
}
