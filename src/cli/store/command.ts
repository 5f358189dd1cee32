import { Command } from "commander";
import { withSettings } from "../flags.ts";

/** `onbehalf store`: looks after the database itself. */
export function storeCommand(): Command {
  return new Command("store")
    .description("look after the database")
    .addCommand(backupCommand())
    .addCommand(vacuumCommand());
}

function backupCommand(): Command {
  const command = new Command("backup")
    .description("copy a SQLite file, complete, while the service runs")
    .argument("<file>", "where; nothing may be there yet");
  return withSettings(command, "store").action(async (file: string, flags: { json?: boolean }) => {
    const { backup } = await import("./backup.ts");
    await backup(file, flags);
  });
}

function vacuumCommand(): Command {
  const command = new Command("vacuum").description(
    "write a SQLite file anew without its free pages; nobody else can write meanwhile, so stop the service first",
  );
  return withSettings(command, "store").action(async (flags: { json?: boolean }) => {
    const { vacuum } = await import("./vacuum.ts");
    await vacuum(flags);
  });
}
