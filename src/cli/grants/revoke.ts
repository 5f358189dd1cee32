import { grantBody } from "../../service/http/json-bodies.ts";
import { printJson, say } from "../terminal/print.ts";
import { openWithClient } from "../open-vault.ts";
import { refOf } from "./ref.ts";

/** Revokes a grant at its provider. First it names the other grants that the provider ends with it. */
export async function revoke(
  text: string,
  flags: { readonly provider?: string; readonly json?: boolean },
): Promise<void> {
  const ref = refOf(text, flags.provider);
  await using vault = await openWithClient(flags);
  const grant = await vault.grant(ref);
  for (const sibling of await vault.siblings(grant)) {
    say(`${grant.provider} also ends ${sibling.grantId} of the same person (client ${sibling.clientId})`);
  }
  const ended = await vault.revoke(grant);
  if (flags.json === true) printJson(grantBody(ended));
  say(`${grant.grantId} is revoked`);
}
