import { Command } from "commander";
import { withSettings } from "../flags.ts";

/** `onbehalf migrate`: brings the store's schema up to date. It opens nothing that is sealed. */
export function migrateCommand(): Command {
  return withSettings(
    new Command("migrate").description(
      "bring the store's schema up to date; serve does this itself, except with --no-migrate",
    ),
    "store",
  ).action(async (flags: { json?: boolean }) => {
    const { migrate } = await import("./run.ts");
    await migrate(flags);
  });
}
