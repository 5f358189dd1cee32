/** The variable by which the process that serves learns where the secrets are held. It is no secret of the operator's. */
export const heldVariable = "ONBEHALF_HELD_SECRETS";
