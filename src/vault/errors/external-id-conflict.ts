import { defined } from "../../core/defined.ts";
import { OnbehalfError } from "../../core/errors.ts";

/**
 * A user of the app signed in with another account than the one that is connected.
 *
 * @param grantId what the sign-in became; undefined where whoever is told may not know
 * @param heldBy the grant that the user id means; undefined where it means none any more, or whoever is told may not know
 */
export function externalIdConflict(
  grantId: string | undefined,
  heldBy: string | undefined,
): OnbehalfError<"external_id_conflict"> {
  return new OnbehalfError("external_id_conflict", "this external_id means the grant of another account already", {
    hint:
      "nothing was lost: ask the user which account it shall be; then revoke the other grant, or send a new code " +
      "with move_external_id (moveExternalId)",
    details: defined({ grantId, heldBy }),
  });
}
