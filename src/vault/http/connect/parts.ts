import type { Grant } from "../../../core/grant.ts";
import type { VaultContext } from "../../context.ts";
import type { Keeper } from "../../keeper/keeper.ts";

/** What connect links need of a vault. */
export interface ConnectParts {
  readonly context: VaultContext;
  readonly keeper: Keeper;
  /** A grant that the keeper has just stored: nobody may be served from memory what was there before. */
  readonly stored: (
    grantId: string,
    asked: { readonly externalId: string; readonly account?: string },
  ) => Promise<Grant>;
}
