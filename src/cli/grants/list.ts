import { defined } from "../../core/defined.ts";
import type { Grant, GrantQuery } from "../../index.ts";
import { pageBody } from "../../service/http/json-bodies.ts";
import { printJson, printLines, say, table } from "../terminal/print.ts";
import { openWithoutClient } from "../open-vault.ts";

/** Lists a page of grants. */
export async function list(flags: GrantQuery & { readonly json?: boolean }): Promise<void> {
  await using vault = await openWithoutClient(flags);
  const { state, provider, subject, externalId, limit, cursor: after } = flags;
  // The settings among the flags are no part of the query.
  const query = defined({ state, provider, subject, externalId, limit, cursor: after });
  const page = await vault.grants(query);
  const { grants, unreadable = [], cursor } = page;
  if (flags.json === true) {
    printJson(pageBody(page));
    return;
  }
  if (grants.length === 0) say("no grant fits this search");
  printLines(table(["GRANT", "STATE", "WHO", "SUBJECT", "OFFLINE", "LAST REFRESH"], grants.map(row)));
  for (const { grantId, state } of unreadable) {
    say(`${grantId} (${state}) cannot be shown: a value of it does not open; onbehalf doctor says more`);
  }
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
