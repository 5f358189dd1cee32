import type { Probe } from "../../index.ts";
import { probeBody } from "../../service/http/json-bodies.ts";
import { openWithClient } from "../open-vault.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { facts, printJson, printLines } from "../terminal/print.ts";
import { evidenceFacts, meaning, remedyFacts } from "./diagnosis-facts.ts";
import { refOf } from "./ref.ts";
import type { RefFlags } from "./ref.ts";

/** The exit code says the same as the result, so that a script need not read it. */
const exitCodeOf = {
  valid: exitCodes.done,
  invalid: exitCodes.reauthorizationRequired,
  unknown: exitCodes.failed,
} as const;

/** Asks the provider whether a consent still stands. */
export async function probe(text: string, flags: RefFlags & { readonly json?: boolean }): Promise<void> {
  const ref = refOf(text, flags);
  await using vault = await openWithClient(flags);
  const found = await vault.probe(ref);
  if (flags.json === true) printJson(probeBody(found));
  else printLines(facts(probeFacts(found)));
  process.exitCode = exitCodeOf[found.result];
}

function probeFacts(found: Probe): (readonly [string, string | undefined])[] {
  const { result, reason, notAsked, checkedAt, expiresAt, offline, missingScopes = [] } = found;
  return [
    ["result", result],
    ["reason", reason === undefined ? undefined : `${reason}${meaning(reason)}`],
    ["not asked", notAsked === undefined ? undefined : `the provider was not asked: ${notAsked}`],
    ["checked", checkedAt.toISOString()],
    ...evidenceFacts(found),
    ...remedyFacts(found),
    ["access until", expiresAt?.toISOString()],
    ["offline", offline ? "yes: a refresh token is held" : "no: access ends when the access token does"],
    ...missingScopes.map((scope, index) => [index === 0 ? "lost" : "", scope] as const),
  ];
}
