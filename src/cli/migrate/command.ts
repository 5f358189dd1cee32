import { Command } from "commander";
import { withSettings } from "../flags.ts";

/** `onbehalf migrate`: the store's schema. */
export function migrateCommand(): Command {
  return withSettings(
    new Command("migrate").description("bring the store's schema up to date; serve does so itself unless told not to"),
    "store",
  ).action(async (flags: { json?: boolean }) => {
    const { migrate } = await import("./run.ts");
    await migrate(flags);
  });
}
