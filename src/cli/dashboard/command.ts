import { Command } from "commander";
import { withSettings } from "../flags.ts";
import type { LinkFlags } from "./link.ts";

/** `onbehalf dashboard`: lets operators into the dashboard of a running service. */
export function dashboardCommand(): Command {
  const dashboard = new Command("dashboard").description("let an operator into the dashboard of a running service");
  dashboard.addCommand(
    withSettings(
      new Command("link")
        .description("print a link that signs one browser in, once, within ten minutes")
        .option("--read-only", "whoever opens it may look at everything and change nothing"),
      "service",
    ).action(async (flags: LinkFlags) => {
      const { link } = await import("./link.ts");
      await link(flags);
    }),
  );
  return dashboard;
}
