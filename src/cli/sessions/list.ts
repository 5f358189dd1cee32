import type { Session } from "../../index.ts";
import { defined } from "../../core/defined.ts";
import { sessionBody } from "../../service/http/json-bodies.ts";
import { openWithoutClient } from "../open-vault.ts";
import { printJson, printLines, say, table } from "../terminal/print.ts";

/** Lists sessions that have not ended. Their keys are not stored, so there is nothing to show of them. */
export async function list(caller: string | undefined, flags: { readonly json?: boolean }): Promise<void> {
  await using vault = await openWithoutClient(flags);
  const names = new Map((await vault.callers.list()).map(({ callerId, name }) => [callerId, name]));
  const sessions: Session[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await vault.sessions.list(caller, { limit: 500, ...defined({ cursor }) });
    sessions.push(...page.sessions);
    if (page.cursor === undefined) break;
    ({ cursor } = page);
  }
  const nameOf = ({ callerId }: Session): string => names.get(callerId) ?? callerId;
  if (flags.json === true) {
    printJson({
      sessions: sessions.map((session) => {
        const { session_id, ...body } = sessionBody(session);
        return { session_id, caller: nameOf(session), ...body };
      }),
    });
    return;
  }
  if (sessions.length === 0) say("there are no sessions; callers make them with POST /v1/sessions");
  printLines(
    table(
      ["SESSION", "CALLER", "MAY", "GRANTS", "UNTIL"],
      sessions.map((session) => [
        session.sessionId,
        nameOf(session),
        session.allow.join(","),
        reachOf(session),
        session.expiresAt.toISOString(),
      ]),
    ),
  );
}

/** Which grants, and of which providers. Many selectors would fill the screen: `--json` has them all. */
function reachOf({ grants, providers }: Session): string {
  const shown = grants.length > 3 ? `${grants.slice(0, 3).join(" ")} and ${grants.length - 3} more` : grants.join(" ");
  return `${shown}${providers === undefined ? "" : ` at ${providers.join(",")}`}`;
}
