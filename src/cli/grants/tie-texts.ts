import { onlyAccount } from "../../core/external-ids.ts";
import type { Grant } from "../../index.ts";

/** The app's own ids of a grant, each with the label that the app gave the account; a label that nobody gave says nothing. */
export function tieTexts({ externalIds, subject }: Grant): string[] {
  return externalIds.map(({ externalId, account }) =>
    account === subject || account === onlyAccount ? externalId : `${externalId} (${account})`,
  );
}
