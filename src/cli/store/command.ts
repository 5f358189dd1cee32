import { Command } from "commander";
import { withSettings } from "../flags.ts";

/** `onbehalf store`: looks after the database itself. */
export function storeCommand(): Command {
  return [backupCommand(), statusCommand(), markCommand(), restoredCommand(), movedCommand(), vacuumCommand()].reduce(
    (all, each) => all.addCommand(each),
    new Command("store").description("look after the database"),
  );
}

function statusCommand(): Command {
  const command = new Command("status").description(
    "whether the store stands still, because it seems to be a restored backup or a copy",
  );
  return withSettings(command, "store").action(async (flags: { json?: boolean }) => {
    const { status } = await import("./standing.ts");
    await status(flags);
  });
}

function markCommand(): Command {
  const command = new Command("mark-restored")
    .description("say that a backup was restored, before the service is started: the store stands still")
    .option(
      "--backup-of <time>",
      "when the backup was made, such as 2026-11-27T03:00:00Z (default: the store's last mark)",
    );
  return withSettings(command, "store").action(async (flags: { json?: boolean; backupOf?: string }) => {
    const { mark } = await import("./standing.ts");
    await mark(flags);
  });
}

function restoredCommand(): Command {
  const command = new Command("restored")
    .description("let a restored store go on: each grant's provider is asked once, and nobody else may use the grants")
    .option("--end-sessions", "end the sessions of all callers: those that were ended since the backup work again");
  return withSettings(command, "store").action(async (flags: { json?: boolean; endSessions?: boolean }) => {
    const { settle } = await import("./standing.ts");
    await settle("restored", flags);
  });
}

function movedCommand(): Command {
  const command = new Command("moved").description(
    "let a store go on that is only in another place, and lacks nothing: a false alarm",
  );
  return withSettings(command, "store").action(async (flags: { json?: boolean }) => {
    const { settle } = await import("./standing.ts");
    await settle("moved", flags);
  });
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
