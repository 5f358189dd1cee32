import type { Caller } from "../../index.ts";
import { callerBody } from "../../service/http/json-bodies.ts";
import { printJson, printLines, say, table } from "../terminal/print.ts";
import { openWithoutClient } from "../open-vault.ts";

/** Lists the callers, revoked ones included. Their keys are not stored, so there is nothing to show of them. */
export async function list(flags: { readonly json?: boolean }): Promise<void> {
  await using vault = await openWithoutClient(flags);
  const callers = await vault.callers.list();
  if (flags.json === true) {
    printJson({ callers: callers.map(callerBody) });
    return;
  }
  if (callers.length === 0) say("there are no callers yet; create one with: onbehalf callers create NAME");
  printLines(
    table(
      ["NAME", "STATE", "MAY", "GRANTS", "CREATED", "LAST USED"],
      callers.map((caller) => [
        caller.name,
        stateOf(caller, Date.now()),
        caller.allow.join(","),
        reachOf(caller),
        day(caller.createdAt),
        caller.lastUsedAt === undefined ? "never" : day(caller.lastUsedAt),
      ]),
    ),
  );
}

/** Which grants, and of which providers. Many selectors would fill the screen: `--json` has them all. */
export function reachOf({ grants, providers }: Caller): string {
  const shown = grants.length > 3 ? `${grants.slice(0, 3).join(" ")} and ${grants.length - 3} more` : grants.join(" ");
  return `${shown === "" ? "none" : shown}${providers === undefined ? "" : ` at ${providers.join(",")}`}`;
}

function stateOf({ expiresAt, revokedAt }: Caller, now: number): string {
  if (revokedAt !== undefined) return `revoked ${day(revokedAt)}`;
  if (expiresAt === undefined) return "active, no end";
  return expiresAt.getTime() > now ? `active until ${day(expiresAt)}` : `expired ${day(expiresAt)}`;
}

function day(time: Date): string {
  return time.toISOString().slice(0, 10);
}
