import { Command } from "commander";
import { numberOption, withSettings } from "../flags.ts";

/** `onbehalf callers`: the programs that may use the service. */
export function callersCommand(): Command {
  const callers = new Command("callers").description("API keys of the programs that use the service");
  callers.addCommand(
    withSettings(
      new Command("create")
        .argument("<name>", "1 to 64 letters, digits, and . _ -")
        .description("make a key, and print it once; only a keyed hash of it is kept")
        .option(
          "--allow <permission>",
          "what it may do: token, proxy, grants:read, grants:create, grants:revoke; several times, or a list with commas (all)",
          (text: string, before: string[] | undefined) => [
            ...(before ?? []),
            ...text.split(",").map((each) => each.trim()),
          ],
        )
        .addOption(numberOption("--expires-in-days <days>", "when it stops working by itself (never)", 1, 3_650)),
      "store",
    ).action(async (name: string, flags: { allow?: string[]; expiresInDays?: number; json?: boolean }) => {
      const { create } = await import("./create.ts");
      await create(name, flags);
    }),
  );
  callers.addCommand(
    withSettings(new Command("list").description("who has a key, and what it may do"), "store").action(
      async (flags: { json?: boolean }) => {
        const { list } = await import("./list.ts");
        await list(flags);
      },
    ),
  );
  callers.addCommand(
    withSettings(
      new Command("revoke").argument("<name>").description("end a key; running services notice within a second"),
      "store",
    ).action(async (name: string, flags: { json?: boolean }) => {
      const { revoke } = await import("./revoke.ts");
      await revoke(name, flags);
    }),
  );
  return callers;
}
