import { OnbehalfError } from "../../../core/errors.ts";

/** The error that ended an intake. It is stored, and thrown again when the same request comes a second time. */
export type CodeRejection = OnbehalfError<"code_rejected"> | OnbehalfError<"id_token_invalid">;

/** A rejection as the text that is stored. */
export function rejectionText({ code, message, hint, details }: CodeRejection): string {
  return JSON.stringify({ code, message, hint, details });
}

/** Reads the text of {@link rejectionText}; undefined where somebody else has written it, by hand. */
export function rejectionOf(text: string): CodeRejection | undefined {
  try {
    const { code, message, hint, details } = JSON.parse(text) as CodeRejection;
    return code === "code_rejected"
      ? new OnbehalfError(code, message, { hint, details })
      : new OnbehalfError("id_token_invalid", message, { hint, details: { check: details.check } });
  } catch {
    return undefined;
  }
}
