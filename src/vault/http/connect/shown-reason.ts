import type { OnbehalfError } from "../../../core/errors.ts";
import { otherAccountError } from "../../errors/code-rejected.ts";

/** Why a code became no grant, as the app is told. That the person chose another account is theirs to mend. */
export function shownReason({ code, details }: Pick<OnbehalfError, "code" | "details">): string {
  const isOther = "providerError" in details && details.providerError === otherAccountError;
  return isOther ? otherAccountError : code;
}
