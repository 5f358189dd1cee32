import { OnbehalfError } from "../../../core/errors.ts";

/** How an intake ended badly, in a form that is stored and thrown again when the same code comes back. */
export type CodeRejection = OnbehalfError<"code_rejected"> | OnbehalfError<"id_token_invalid">;

export function rejectionText({ code, message, hint, details }: CodeRejection): string {
  return JSON.stringify({ code, message, hint, details });
}

export function rejectionOf(text: string): CodeRejection {
  const { code, message, hint, details } = JSON.parse(text) as CodeRejection;
  return code === "code_rejected"
    ? new OnbehalfError(code, message, { hint, details })
    : new OnbehalfError("id_token_invalid", message, { hint, details: { check: details.check } });
}
