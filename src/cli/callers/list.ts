import type { Caller } from "../../index.ts";
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
      ["NAME", "STATE", "MAY", "CREATED"],
      callers.map((caller) => [
        caller.name,
        stateOf(caller, Date.now()),
        caller.allow.join(","),
        day(caller.createdAt),
      ]),
    ),
  );
}

function callerBody({ callerId, name, allow, createdAt, expiresAt, revokedAt }: Caller): object {
  return {
    caller_id: callerId,
    name,
    allow,
    created_at: createdAt,
    expires_at: expiresAt,
    revoked_at: revokedAt,
  };
}

function stateOf({ expiresAt, revokedAt }: Caller, now: number): string {
  if (revokedAt !== undefined) return `revoked ${day(revokedAt)}`;
  if (expiresAt === undefined) return "active";
  return expiresAt.getTime() > now ? `active until ${day(expiresAt)}` : `expired ${day(expiresAt)}`;
}

function day(time: Date): string {
  return time.toISOString().slice(0, 10);
}
