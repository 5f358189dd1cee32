import { Command } from "commander";
import { withSettings } from "../flags.ts";

/** `onbehalf store`: looks after the database itself. It opens nothing that is sealed. */
export function storeCommand(): Command {
  return new Command("store").description("look after the database").addCommand(
    withSettings(
      new Command("vacuum").description(
        "write a SQLite file anew without its free pages; nobody else can write meanwhile, so stop the service first",
      ),
      "store",
    ).action(async (flags: { json?: boolean }) => {
      const { vacuum } = await import("./vacuum.ts");
      await vacuum(flags);
    }),
  );
}
