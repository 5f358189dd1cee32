import { isOnbehalfError } from "../../core/errors.ts";
import { externalIdConflict } from "./external-id-conflict.ts";
import { grantUnreadable } from "./grant-unreadable.ts";

/**
 * The error of a sign-in as somebody may see it who does not see every grant. What the person has with others is not
 * there for them, and a grant's id is a part of it.
 *
 * @param error whatever was thrown
 * @param sees whether they see a grant
 */
export async function withoutUnseen(error: unknown, sees: (grantId: string) => Promise<boolean>): Promise<unknown> {
  if (isOnbehalfError(error, "external_id_conflict")) {
    const { account, grantId, heldBy } = error.details;
    return externalIdConflict(account, await ifSeen(grantId, sees), await ifSeen(heldBy, sees));
  }
  if (isOnbehalfError(error, "grant_unreadable")) return grantUnreadable(await ifSeen(error.details.grantId, sees));
  return error;
}

async function ifSeen(
  grantId: string | undefined,
  sees: (grantId: string) => Promise<boolean>,
): Promise<string | undefined> {
  return grantId !== undefined && (await sees(grantId)) ? grantId : undefined;
}
