import { defined } from "../../core/defined.ts";
import type { Grant, GrantQuery } from "../../index.ts";
import { pageBody } from "../../service/http/json-bodies.ts";
import { printJson, printLines, say, table } from "../terminal/print.ts";
import { settingsFrom } from "../../service/settings/config.ts";
import { settingsAmong } from "../flags.ts";
import { openWithoutClient } from "../open-vault.ts";
import { meaning } from "./diagnosis-facts.ts";
import { isWithoutKey, listSealed } from "./list-sealed.ts";
import { tieTexts } from "./tie-texts.ts";

/** Lists a page of grants. */
export async function list(flags: GrantQuery & { readonly json?: boolean }): Promise<void> {
  // A search for a person needs the key, and a program must not take a part for all of it: both get the error.
  const isSearch =
    flags.json === true || [flags.subject, flags.externalId, flags.account].some((each) => each !== undefined);
  if (!isSearch && isWithoutKey(settingsFrom(flags as object))) {
    await listSealed(settingsFrom(settingsAmong(flags)), flags);
    return;
  }
  await using vault = await openWithoutClient(flags);
  const { state, provider, subject, externalId, account, limit, cursor: after } = flags;
  // The settings among the flags are no part of the query.
  const query = defined({ state, provider, subject, externalId, account, limit, cursor: after });
  const page = await vault.grants(query);
  const { grants, unreadable = [], cursor } = page;
  if (flags.json === true) {
    printJson(pageBody(page));
    return;
  }
  if (grants.length === 0) say("no grant fits this search");
  printLines(table(["GRANT", "STATE", "WHO", "SUBJECT", "EXTERNAL ID", "OFFLINE", "LAST REFRESH"], grants.map(row)));
  for (const line of reasonsAmong(grants)) say(line);
  for (const { grantId, state } of unreadable) {
    say(`${grantId} (${state}) cannot be shown: a value of it does not open; onbehalf doctor says more`);
  }
  if (cursor !== undefined) say(`there are more grants; see them with --cursor ${cursor}`);
}

/** What the reasons of the list mean and what to do about each, once. */
function reasonsAmong(grants: readonly Grant[]): readonly string[] {
  const remedies = new Map<string, string>();
  for (const { reason, state, fix } of grants) {
    if (reason === undefined || fix === undefined || state === "revoked") continue;
    remedies.set(reason, `${reason}${meaning(reason)}; what to do: ${fix}`);
  }
  return [...remedies.values()];
}

function row(grant: Grant): string[] {
  const { grantId, state, reason, profile, subject, offline, lastRefreshAt } = grant;
  return [
    grantId,
    reason === undefined ? state : `${state} (${reason})`,
    profile.email ?? profile.name ?? "",
    subject,
    idsOf(tieTexts(grant)),
    offline ? "yes" : "no",
    lastRefreshAt?.toISOString() ?? "never",
  ];
}

/** The app's own ids of a grant. Most have one; many would fill the screen, and `grants show` has them all. */
function idsOf(ids: readonly string[]): string {
  return ids.length > 2 ? `${ids.slice(0, 2).join(", ")} and ${ids.length - 2} more` : ids.join(", ");
}
