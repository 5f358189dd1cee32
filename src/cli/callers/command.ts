import { Command } from "commander";
import { numberOption, withSettings } from "../flags.ts";
import type { CreateFlags } from "./create.ts";
import type { NarrowFlags } from "./narrow.ts";
import { durationOption } from "../duration.ts";
import { collected, listed } from "../repeated-flags.ts";

const outFlag = [
  "--out <path>",
  "write the key to a new file that only this user may read, instead of printing it",
] as const;

/** `onbehalf callers`: the programs that may use the service. What their keys allow is decided by the vault. */
export function callersCommand(): Command {
  const callers = new Command("callers").description("manage the programs that may use the service, and their keys");
  callers.addCommand(
    withSettings(
      new Command("create")
        .argument("<name>", "1 to 64 letters, digits, and . _ -")
        .description("create a key and print it, once: only a keyed hash of it is stored")
        .option(
          "--allow <permission>",
          "what the caller may do: token, proxy, grants:read, grants:create, grants:move, grants:revoke, connect, metrics, audit, handles, sessions, events; repeat it, or give a list with commas; required",
          listed,
        )
        .option(
          "--grants <selector>",
          "which grants it may do that with: ext:VALUE, ext:PREFIX*, g_… or *; repeat it for several (*)",
          collected,
        )
        .option(
          "--provider <name>",
          "the provider whose grants it may see; repeat it for several (every provider)",
          collected,
        )
        .addOption(durationOption("--expires <time>", "after what time the key stops working, such as 90d (never)"))
        .addOption(
          numberOption("--expires-in-days <days>", "the same in days: --expires 90d says it as well", 1, 3_650),
        )
        .option(...outFlag),
      "store",
    ).action(async (name: string, flags: CreateFlags) => {
      const { create } = await import("./create.ts");
      await create(name, flags);
    }),
  );
  callers.addCommand(
    withSettings(new Command("list").description("list who has a key, and what it allows"), "store").action(
      async (flags: { json?: boolean }) => {
        const { list } = await import("./list.ts");
        await list(flags);
      },
    ),
  );
  callers.addCommand(
    withSettings(
      new Command("rotate")
        .argument("<name>")
        .description("give a caller a new key and print it, once; the one before works until the overlap is over")
        .addOption(
          durationOption(
            "--overlap <time>",
            "how long the key before works as well, such as 24h; 0s ends every old key at once",
          ).makeOptionMandatory(),
        )
        .addOption(durationOption("--expires <time>", "after what time the new key stops working (as before)"))
        .option(...outFlag),
      "store",
    ).action(async (name: string, flags: { overlap: number; expires?: number; out?: string; json?: boolean }) => {
      const { rotate } = await import("./rotate.ts");
      await rotate(name, flags);
    }),
  );
  callers.addCommand(
    withSettings(
      new Command("narrow")
        .argument("<name>")
        .description("take rights away from a caller: it keeps what is named here, and its key goes on")
        .option(
          "--allow <permission>",
          "what it may still do; repeat it, or give a list with commas (as before)",
          listed,
        )
        .option(
          "--grants <selector>",
          "which grants it may still do that with, each within those of now; repeat it for several (as before)",
          collected,
        )
        .option(
          "--provider <name>",
          "the provider whose grants it may still see; repeat it for several (as before)",
          collected,
        )
        .addOption(durationOption("--expires <time>", "after what time the key ends, no later than now (as before)")),
      "store",
    ).action(async (name: string, flags: NarrowFlags) => {
      const { narrow } = await import("./narrow.ts");
      await narrow(name, flags);
    }),
  );
  callers.addCommand(
    withSettings(
      new Command("revoke").argument("<name>").description("end a key; running services refuse it within a second"),
      "store",
    ).action(async (name: string, flags: { json?: boolean }) => {
      const { revoke } = await import("./revoke.ts");
      await revoke(name, flags);
    }),
  );
  return callers;
}
