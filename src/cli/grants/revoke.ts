import { grantBody } from "../../service/http/json-bodies.ts";
import { printJson, say } from "../terminal/print.ts";
import { openWithClient } from "../open-vault.ts";
import { refOf } from "./ref.ts";

/** Revokes a grant at its provider. What else ends with it is said first. */
export async function revoke(
  text: string,
  flags: { readonly provider?: string; readonly json?: boolean },
): Promise<void> {
  const ref = refOf(text, flags.provider);
  await using vault = await openWithClient(flags);
  const grant = await vault.grant(ref);
  for (const sibling of await vault.siblings(grant)) {
    say(`${grant.provider} ends the same person's ${sibling.grantId} (client ${sibling.clientId}) with it`);
  }
  const ended = await vault.revoke(grant);
  if (flags.json === true) printJson(grantBody(ended));
  say(`${grant.grantId} is revoked`);
}
