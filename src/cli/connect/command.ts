import { Command } from "commander";
import { withSettings } from "../flags.ts";
import type { LinkFlags } from "./link.ts";

/** `onbehalf connect`: makes links by which people connect accounts. */
export function connectCommand(): Command {
  const connect = new Command("connect").description("make links by which people connect accounts");
  connect.addCommand(
    withSettings(
      new Command("link")
        .description(
          "make a link by which somebody connects an account with a user of the app; it lives for fifteen minutes",
        )
        .requiredOption("--external-id <id>", "the user of the app whose account it will be")
        .option(
          "--return-url <url>",
          "where the person is sent back to; it must be among the return URLs (a page that says how it ended)",
        )
        .option("--provider <name>", "the provider, where there are several")
        .option("--account <label>", "a label for the account, where one user has several of the provider")
        .option("--grant <id>", "the grant of this user that it is to bring back: then no other account is taken")
        .option("--scope <scopes>", "what to ask for, separated by spaces or commas (what the provider's record says)")
        .option(
          "--code-challenge <challenge>",
          "the S256 challenge of a verifier, without which it is not finished (a page asks)",
        )
        .option("--login-hint <hint>", "which account is expected, such as an e-mail address")
        .option("--user-label <name>", "what the page calls the user (the external id)")
        .option("--force-consent", "have the provider ask for consent also where it need not"),
      "service",
    ).action(async (flags: LinkFlags) => {
      const { link } = await import("./link.ts");
      await link(flags);
    }),
  );
  return connect;
}
