import { Command } from "commander";
import { numberOption, withSettings } from "../flags.ts";
import type { DeadFlags } from "./dead.ts";
import type { FollowFlags } from "./follow.ts";
import type { ListFlags } from "./list.ts";
import type { ReplayFlags } from "./replay.ts";

/** `onbehalf events`: what apps are told of their grants, of our clients and of providers. */
export function eventsCommand(): Command {
  const events = new Command("events").description("read what apps are told of grants, clients and providers");
  events.addCommand(
    withSettings(
      about(new Command("list").description("list what happened, a page at a time, the oldest first")).addOption(
        numberOption("--limit <number>", "the most events that the page may have", 1, 500).default(50),
      ),
      "store",
    ).action(async (flags: ListFlags) => {
      const { list } = await import("./list.ts");
      await list(flags);
    }),
  );
  events.addCommand(
    withSettings(
      about(new Command("follow").description("print what happens, as it happens, until the command is stopped")),
      "store",
    )
      .addHelpText("after", "\nWithout --after, it begins with what happens from now on.")
      .action(async (flags: FollowFlags) => {
        const { follow } = await import("./follow.ts");
        await follow(flags);
      }),
  );
  events.addCommand(
    withSettings(
      new Command("dead")
        .description("list the events that were not delivered for a day, and are not tried any more")
        .addOption(
          numberOption("--after <seq>", "only events after this number", 0, Number.MAX_SAFE_INTEGER).default(0),
        ),
      "store",
    ).action(async (flags: DeadFlags) => {
      const { dead } = await import("./dead.ts");
      await dead(flags);
    }),
  );
  events.addCommand(
    withSettings(
      new Command("replay")
        .description("deliver events once more, with the ids that they had; what was stopped goes on")
        .addOption(numberOption("--after <seq>", "all events after this number", 0, Number.MAX_SAFE_INTEGER))
        .option("--dead", "those that are not tried any more"),
      "store",
    ).action(async (flags: ReplayFlags) => {
      const { replay } = await import("./replay.ts");
      await replay(flags);
    }),
  );
  return events;
}

function about(command: Command): Command {
  return command
    .addOption(numberOption("--after <seq>", "only events after this number", 0, Number.MAX_SAFE_INTEGER))
    .option("--grant <ref>", "only events about this grant: its id (g_…), sub:{subject} or ext:{external_id}")
    .option("--provider <name>", "the provider, where the reference fits several grants")
    .option("--account <label>", "which account, where a user of the app has several at a provider");
}
