import type { Maker } from "../../../core/maker.ts";
import type { Grant } from "../../../core/grant.ts";
import type { VaultContext } from "../../context.ts";
import type { Keeper } from "../../keeper/keeper.ts";

/** A vault's context, and what is known of those who make links. */
export interface ConnectContext extends VaultContext {
  /** Whether whoever made a link may still connect this user's accounts. */
  readonly mayStillConnect: (
    maker: Maker | undefined,
    asked: { readonly provider: string; readonly externalId: string },
  ) => Promise<boolean>;
}

/** What connect links need of a vault. */
export interface ConnectParts {
  readonly context: ConnectContext;
  readonly keeper: Keeper;
  /** A grant that the keeper has just stored: nobody may be served from memory what was there before. */
  readonly stored: (
    grantId: string,
    asked: { readonly externalId: string; readonly account?: string },
  ) => Promise<Grant>;
}
