import { depositHash } from "../../../crypto/keyring.ts";
import type { Sealer } from "../../../crypto/keyring.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import type { Intake, IntakeContext } from "../codes/intake.ts";
import type { DepositRequest } from "../keeper.ts";

/** Makes the intake of a deposit. It is stored under a keyed hash of the token; until the answer is there, nothing else is. */
export function depositIntake(
  keyring: Sealer,
  protocol: Protocol,
  { refreshToken, externalId, account, scopes }: DepositRequest,
): Intake {
  const { provider, client } = protocol;
  const codeHash = depositHash(keyring, provider.issuer, client.clientId, refreshToken.expose());
  const context: IntakeContext = { provider: provider.name, isDeposit: true, externalId, account, scopes };
  const contextText = JSON.stringify(context);
  return { protocol, codeHash, contextText, key: `${codeHash.toString("hex")} ${contextText}` };
}
