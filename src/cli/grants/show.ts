import type { Grant } from "../../index.ts";
import { grantBody } from "../../service/http/json-bodies.ts";
import { facts, printJson, printLines } from "../terminal/print.ts";
import { openWithoutClient } from "../open-vault.ts";
import { refOf } from "./ref.ts";
import type { RefFlags } from "./ref.ts";
import { diagnosisFacts } from "./diagnosis-facts.ts";
import { tieTexts } from "./tie-texts.ts";

/** Shows one grant. */
export async function show(text: string, flags: RefFlags & { readonly json?: boolean }): Promise<void> {
  const ref = refOf(text, flags);
  await using vault = await openWithoutClient(flags);
  const grant = await vault.grant(ref);
  if (flags.json === true) printJson(grantBody(grant));
  else printLines(facts(grantFacts(grant)));
}

function grantFacts(grant: Grant): (readonly [string, string | undefined])[] {
  return [
    ["grant", grant.grantId],
    ["state", `${grant.state} since ${grant.since.toISOString()}`],
    ...diagnosisFacts(grant),
    ["who", [grant.profile.name, grant.profile.email].filter((each) => each !== undefined).join(", ")],
    ["subject", grant.subject],
    ...tieTexts(grant).map((tie, index) => [index === 0 ? "external id" : "", tie] as const),
    ["issuer", grant.issuer],
    ["client", grant.clientId],
    ["offline", grant.offline ? "yes: a refresh token is held" : "no: access ends when the access token does"],
    ...grant.scopes.map((scope, index) => [index === 0 ? "scopes" : "", scope] as const),
    ...(grant.missingScopes ?? []).map((scope, index) => [index === 0 ? "lost" : "", scope] as const),
    ["created", grant.createdAt.toISOString()],
    ["last refresh", grant.lastRefreshAt?.toISOString() ?? "never"],
    ["access until", grant.accessTokenEndKnown === false ? "an API refuses it" : grant.accessExpiresAt?.toISOString()],
    ["consent until", grant.reauthorizeBefore?.toISOString()],
    ["last error", grant.lastError && `${grant.lastError.error} at ${grant.lastError.at.toISOString()}`],
  ];
}
