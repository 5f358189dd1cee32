import type { Grant, GrantQuery } from "../../index.ts";
import { grantBody } from "../../service/http/json-bodies.ts";
import { printJson, printLines, say, table } from "../terminal/print.ts";
import { openWithoutClient } from "../open-vault.ts";

/** Lists a page of grants. */
export async function list(flags: GrantQuery & { readonly json?: boolean }): Promise<void> {
  await using vault = await openWithoutClient(flags);
  const { grants, cursor } = await vault.grants(flags);
  if (flags.json === true) {
    printJson({ grants: grants.map(grantBody), cursor });
    return;
  }
  if (grants.length === 0) say("no grant fits this search");
  printLines(table(["GRANT", "STATE", "WHO", "SUBJECT", "OFFLINE", "LAST REFRESH"], grants.map(row)));
  if (cursor !== undefined) say(`there are more grants; see them with --cursor ${cursor}`);
}

function row({ grantId, state, reason, profile, subject, offline, lastRefreshAt }: Grant): string[] {
  return [
    grantId,
    reason === undefined ? state : `${state} (${reason})`,
    profile.email ?? profile.name ?? "",
    subject,
    offline ? "yes" : "no",
    lastRefreshAt?.toISOString() ?? "never",
  ];
}
