import { Command } from "commander";
import { durationOption } from "../duration.ts";
import { withSettings } from "../flags.ts";
import { collected, listed } from "../repeated-flags.ts";
import type { CreateFlags } from "./create.ts";
import type { RevokeFlags } from "./revoke.ts";

/** `onbehalf sessions`: keys for minutes or hours that callers make. What they allow is decided by the vault. */
export function sessionsCommand(): Command {
  const sessions = new Command("sessions").description(
    "manage keys for minutes or hours, each within those of a caller",
  );
  sessions.addCommand(
    withSettings(
      new Command("create")
        .argument("<caller>", "whose session it is: it may do no more than this caller, and ends with it")
        .description("make a key for minutes or hours and print it, once")
        .option(
          "--allow <permission>",
          "what it may do, of what the caller may; repeat it, or give a list with commas; required",
          listed,
        )
        .option(
          "--grants <selector>",
          "which grants it may do that with: ext:VALUE, ext:PREFIX*, g_… or *; repeat it for several; required",
          collected,
        )
        .option(
          "--provider <name>",
          "the provider whose grants it may see; repeat it for several (those of the caller)",
          collected,
        )
        .option(
          "--scope <scope>",
          "what its tokens may be used for at most; repeat it for several (no limit)",
          collected,
        )
        .addOption(durationOption("--expires <time>", "after what time it ends, 1m to 24h (1h)"))
        .option("--out <path>", "write the key to a new file that only this user may read, instead of printing it"),
      "store",
    ).action(async (caller: string, flags: CreateFlags) => {
      const { create } = await import("./create.ts");
      await create(caller, flags);
    }),
  );
  sessions.addCommand(
    withSettings(
      new Command("list")
        .argument("[caller]", "whose (every caller's)")
        .description("list the sessions that have not ended, those first that end first"),
      "store",
    ).action(async (caller: string | undefined, flags: { json?: boolean }) => {
      const { list } = await import("./list.ts");
      await list(caller, flags);
    }),
  );
  sessions.addCommand(
    withSettings(
      new Command("revoke")
        .argument("[session-id]", "which one")
        .description("end a session, or all of a caller; running services refuse them within a second")
        .option("--all <caller>", "all sessions of this caller"),
      "store",
    ).action(async (sessionId: string | undefined, flags: RevokeFlags) => {
      const { revoke } = await import("./revoke.ts");
      await revoke(sessionId, flags);
    }),
  );
  return sessions;
}
