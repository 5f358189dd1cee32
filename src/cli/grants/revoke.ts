import { grantBody } from "../../service/http/json-bodies.ts";
import { canAsk, confirm } from "../terminal/ask.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { printJson, printable, say } from "../terminal/print.ts";
import { openWithClient } from "../open-vault.ts";
import { refOf } from "./ref.ts";
import type { RefFlags } from "./ref.ts";
import { tieTexts } from "./tie-texts.ts";

interface Flags extends RefFlags {
  readonly yes?: boolean;
  readonly json?: boolean;
}

/**
 * Revokes a grant at its provider. First it says what the provider ends with it, and asks, where a person is there to
 * answer. A script is not asked: it says what it wants by running this.
 */
export async function revoke(text: string, flags: Flags): Promise<void> {
  const ref = refOf(text, flags);
  await using vault = await openWithClient(flags);
  const grant = await vault.grant(ref);
  const { grantId, provider, profile, subject } = grant;
  const users = tieTexts(grant);
  if (users.length > 1) say(`${grantId} ends for all who have connected this account: ${users.join(", ")}`);
  for (const sibling of await vault.siblings(grant)) {
    say(`${provider} also ends ${sibling.grantId} of the same person (client ${sibling.clientId})`);
  }
  if (vault.providerOf(provider).revocationEndsSiblings) {
    say(`${provider} ends all that this person granted to the project, also what other stores hold`);
  }
  if (flags.yes !== true && canAsk()) {
    const who = printable(profile.email ?? profile.name ?? subject);
    if (!(await confirm(`onbehalf: revoke ${grantId} of ${who} at ${provider}?`))) {
      say("nothing was revoked");
      process.exitCode = exitCodes.failed;
      return;
    }
  }
  const ended = await vault.revoke(grant);
  if (flags.json === true) printJson(grantBody(ended));
  say(`${grantId} is revoked`);
}
