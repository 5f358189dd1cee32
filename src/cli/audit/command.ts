import { Command } from "commander";
import { durationOption } from "../duration.ts";
import { numberOption, withSettings } from "../flags.ts";
import { dateOption } from "./date-option.ts";
import type { ListFlags } from "./list.ts";
import { headOption } from "./head-option.ts";
import type { PruneFlags } from "./prune.ts";
import type { VerifyFlags } from "./verify.ts";

/** `onbehalf audit`: what happened, whether the record of it is whole, and taking old rows out. */
export function auditCommand(): Command {
  const audit = new Command("audit").description(
    "read what happened to grants, callers and keys, and which tokens left; check that nothing was changed",
  );
  audit.addCommand(
    withSettings(
      new Command("list")
        .description("list what happened, a page at a time, the oldest first")
        .addOption(numberOption("--after <seq>", "only rows after this number", 0, Number.MAX_SAFE_INTEGER).default(0))
        .option("--grant <ref>", "only rows about this grant: its id (g_…), sub:{subject} or ext:{external_id}")
        .option("--provider <name>", "the provider, where the reference fits several grants")
        .option("--account <label>", "which account, where a user of the app has several at a provider")
        .option("--caller <name>", "only rows of this caller; @operator, @keeper, @service, @public for others")
        .addOption(numberOption("--limit <number>", "the most rows that the page may have", 1, 500).default(50)),
      "store",
    ).action(async (flags: ListFlags) => {
      const { list } = await import("./list.ts");
      await list(flags);
    }),
  );
  audit.addCommand(
    withSettings(
      new Command("verify")
        .description(
          "read the whole log, and say what was changed, taken out or put elsewhere; exit code 1: something was",
        )
        .addOption(headOption("--head <seq:hash>", "what audit head printed once: rows cut off since are found by it")),
      "store",
    ).action(async (flags: VerifyFlags) => {
      const { verify } = await import("./verify.ts");
      await verify(flags);
    }),
  );
  audit.addCommand(
    withSettings(
      new Command("export")
        .description("print the rows as lines of JSON")
        .addOption(numberOption("--after <seq>", "only rows after this number", 0, Number.MAX_SAFE_INTEGER).default(0)),
      "store",
    ).action(async (flags: { readonly after: number }) => {
      const { exportRows } = await import("./export.ts");
      await exportRows(flags);
    }),
  );
  audit.addCommand(
    withSettings(
      new Command("head").description("print the end of the log, to be kept elsewhere and given to audit verify"),
      "store",
    ).action(async (flags: { readonly json?: boolean }) => {
      const { head } = await import("./head.ts");
      await head(flags);
    }),
  );
  audit.addCommand(
    withSettings(
      new Command("prune")
        .description("take old rows out of the log, for ever; a row says so, and what stays can be verified as before")
        .addOption(dateOption("--before <date>", "rows from before this day or time, such as 2026-01-01"))
        .addOption(durationOption("--older-than <time>", "rows that are older than this, such as 400d"))
        .option("--yes", "do not ask"),
      "store",
    )
      .addHelpText("after", "\nExport the rows first: onbehalf audit export. Those of the last day stay in any case.")
      .action(async (flags: PruneFlags) => {
        const { prune } = await import("./prune.ts");
        await prune(flags);
      }),
  );
  return audit;
}
