import { Command } from "commander";
import { withJson, withSettings } from "../flags.ts";

/** `onbehalf keys`: the master keys that the store is sealed with. */
export function keysCommand(): Command {
  const keys = new Command("keys").description("master keys: make one, see which is in use, change to another");
  keys.addCommand(
    withJson(
      new Command("generate")
        .description("make a master key, and print it once; keep a copy apart from the database")
        .option("--out <path>", "write it to a new file that this user alone may read, instead of printing it"),
    ).action(async (flags: { out?: string; json?: boolean }) => {
      const { generate } = await import("./generate.ts");
      generate(flags);
    }),
  );
  keys.addCommand(
    withSettings(
      new Command("status").description(
        "which master key the store is sealed with, and whether the given ones open it",
      ),
      "store",
    ).action(async (flags: { json?: boolean }) => {
      const { status } = await import("./status.ts");
      await status(flags);
    }),
  );
  keys.addCommand(
    withSettings(
      new Command("rotate").description(
        "seal the store with the first of the given keys; give the one before it as well",
      ),
      "store",
    )
      .addHelpText(
        "after",
        "\nGive both keys to every program, the new one first (ONBEHALF_KEY=obm_new,obm_old, or two lines in the file),\n" +
          "rotate, then take the old one away. Killed half-way, it is simply run again.",
      )
      .action(async (flags: { json?: boolean }) => {
        const { rotate } = await import("./rotate.ts");
        await rotate(flags);
      }),
  );
  return keys;
}
