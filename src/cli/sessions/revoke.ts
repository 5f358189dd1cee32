import { OnbehalfError } from "../../index.ts";
import { openWithoutClient } from "../open-vault.ts";
import { printJson, say } from "../terminal/print.ts";
import { UsageError } from "../terminal/usage-error.ts";

/** The command's flags. */
export interface RevokeFlags {
  /** The caller whose sessions all end. */
  readonly all?: string;
  readonly json?: boolean;
}

/** Ends a session, or all of a caller. */
export async function revoke(sessionId: string | undefined, flags: RevokeFlags): Promise<void> {
  const { all, json = false } = flags;
  if ((sessionId === undefined) === (all === undefined)) {
    throw new UsageError(
      sessionId === undefined ? "nothing says which session ends" : "a session and --all are both given",
      "give the session's id, or --all CALLER; onbehalf sessions list shows them",
    );
  }
  await using vault = await openWithoutClient(flags);
  if (all !== undefined) {
    const ended = await vault.sessions.revokeAll(all);
    if (json) printJson({ caller: all, ended });
    say(`${ended} sessions of ${all} have ended; running services refuse them within a second`);
    return;
  }
  if (sessionId === undefined || !(await vault.sessions.revoke(sessionId))) {
    throw new OnbehalfError("session_not_found", "there is no such session", {
      hint: "see the ids with: onbehalf sessions list; a session that has ended is not there any more",
      details: {},
    });
  }
  if (json) printJson({ session_id: sessionId, ended: true });
  say(`the session ${sessionId} has ended; running services refuse its key within a second`);
}
