import { Command } from "commander";
import { numberOption, withSettings } from "../flags.ts";

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
          "what the caller may do: token, proxy, grants:read, grants:create, grants:revoke; repeat it, or give a list with commas (all)",
          (text: string, before: string[] | undefined) => [
            ...(before ?? []),
            ...text.split(",").map((each) => each.trim()),
          ],
        )
        .addOption(
          numberOption("--expires-in-days <days>", "after how many days the key stops working (never)", 1, 3_650),
        ),
      "store",
    ).action(async (name: string, flags: { allow?: string[]; expiresInDays?: number; json?: boolean }) => {
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
      new Command("revoke").argument("<name>").description("end a key; running services refuse it within a second"),
      "store",
    ).action(async (name: string, flags: { json?: boolean }) => {
      const { revoke } = await import("./revoke.ts");
      await revoke(name, flags);
    }),
  );
  return callers;
}
