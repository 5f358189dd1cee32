import { Command } from "commander";
import { durationOption } from "../duration.ts";
import { withJson, withSettings } from "../flags.ts";

/** `onbehalf keys`: the master keys that the store is sealed with. The keys of callers are in `callers/`. */
export function keysCommand(): Command {
  const keys = new Command("keys").description("make a master key, see which one is in use, change to another");
  keys.addCommand(
    withJson(
      new Command("generate")
        .description("make a master key and print it, once; keep a copy apart from the database")
        .option("--out <path>", "write the key to a new file that only this user may read, instead of printing it"),
    ).action(async (flags: { out?: string; json?: boolean }) => {
      const { generate } = await import("./generate.ts");
      generate(flags);
    }),
  );
  keys.addCommand(
    withSettings(
      new Command("status").description(
        "show which master key the store is sealed with, and whether the given keys open it",
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
        "seal the store with the first of the given keys; give the key that it is sealed with now as well",
      ),
      "store",
    )
      .addHelpText(
        "after",
        "\nGive both keys to every program, the new one first (ONBEHALF_KEY=obm_new,obm_old, or two lines in the file),\n" +
          "run this command, then remove the old key. If it is interrupted, run it again.",
      )
      .action(async (flags: { json?: boolean }) => {
        const { rotate } = await import("./rotate.ts");
        await rotate(flags);
      }),
  );
  keys.addCommand(
    withSettings(
      new Command("renew")
        .description("make new data keys, and seal what is stored with them, while services go on")
        .option(
          "--class <class>",
          "which data keys: refresh, read, assertion; repeat it; all three by default",
          (text: string, before: string[] | undefined) => [...(before ?? []), text],
        )
        .option("--no-wait", "let the services that run on the store do it, and end at once")
        .addOption(
          durationOption(
            "--erase-retired <time>",
            "add no keys, and erase those that were retired so long ago, such as 90d: longer than backups are kept",
          ),
        ),
      "store",
    )
      .addHelpText(
        "after",
        "\nNew keys seal once every program on the store knows them, after about 20 seconds; then everything stored is\n" +
          "sealed anew. If it is interrupted, run it again, or let a service do it. A key for sign-in assertions is published for ten\n" +
          "minutes before it signs, and the old one for a day after; that goes on by itself where a service runs.",
      )
      .action(async (flags: { class?: string[]; wait: boolean; eraseRetired?: number; json?: boolean }) => {
        const { renew } = await import("./renew.ts");
        await renew(flags);
      }),
  );
  return keys;
}
