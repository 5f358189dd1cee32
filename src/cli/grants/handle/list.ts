import { handleBody } from "../../../service/http/json-bodies.ts";
import type { Handle } from "../../../index.ts";
import { openWithoutClient } from "../../open-vault.ts";
import { printJson, printLines, say, table } from "../../terminal/print.ts";
import { refOf } from "../ref.ts";
import type { RefFlags } from "../ref.ts";

/** Lists a grant's handles, without their secrets: those are not stored. */
export async function list(text: string, flags: RefFlags & { readonly json?: boolean }): Promise<void> {
  const ref = refOf(text, flags);
  await using vault = await openWithoutClient(flags);
  const handles = await vault.handles.list(ref);
  if (flags.json === true) {
    printJson({ handles: handles.map(handleBody) });
    return;
  }
  if (handles.length === 0)
    say("the grant has no handles; make one with: onbehalf grants handle create REF --caller NAME");
  printLines(
    table(
      ["HANDLE", "NAME", "CALLER", "SINCE", "LAST USED", "STATE"],
      handles.map((handle) => [
        handle.handleId,
        handle.name,
        handle.forCaller ?? handle.callerId,
        handle.createdAt.toISOString(),
        handle.lastUsedAt?.toISOString() ?? "never",
        stateOf(handle),
      ]),
    ),
  );
}

function stateOf({ revokedAt, expiresAt }: Handle): string {
  if (revokedAt !== undefined) return `ended ${revokedAt.toISOString()}`;
  if (expiresAt === undefined) return "until it is ended";
  return `until ${expiresAt.toISOString()}`;
}
