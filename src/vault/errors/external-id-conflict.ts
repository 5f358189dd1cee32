import { defined } from "../../core/defined.ts";
import { OnbehalfError } from "../../core/errors.ts";

/**
 * A user of the app signed in with another account than the one that is connected under this label.
 *
 * @param account the label
 * @param grantId what the sign-in became; undefined where whoever is told may not know
 * @param heldBy the grant that the user id means; undefined where it means none any more, or whoever is told may not know
 */
export function externalIdConflict(
  account: string,
  grantId: string | undefined,
  heldBy: string | undefined,
): OnbehalfError<"external_id_conflict"> {
  return new OnbehalfError("external_id_conflict", "this account of this external_id means another grant already", {
    hint:
      "nothing was lost: ask the user which account it shall be; then send a new code with another account, or with " +
      "move_external_id (moveExternalId), or revoke the other grant",
    details: { account, ...defined({ grantId, heldBy }) },
  });
}
