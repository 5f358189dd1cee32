import { Command, InvalidArgumentError, Option } from "commander";
import type { StandinKind } from "../../standin/index.ts";
import { numberOption, withJson } from "../flags.ts";
import type { Flags } from "./run.ts";

/** Written out: to import them would load the stand-in, with the secrets of its clients, into whatever command runs. */
const kinds: Readonly<Record<StandinKind, true>> = { google: true, oauth2: true, mcp: true };

/** `onbehalf standin`: runs the stand-in in `src/standin/` alone, without service and page. */
export function standinCommand(): Command {
  const command = new Command("standin")
    .description("run a stand-in for a provider alone, on 127.0.0.1; it keeps everything in memory")
    .addOption(
      new Option("--kind <kind>", "which provider: Google, a strict one of plain OAuth 2.0, or an MCP server with one")
        .choices(Object.keys(kinds))
        .default("google"),
    )
    .addOption(numberOption("--port <number>", "the port to listen on; 0 for any free one", 0, 65_535).default(4600))
    .addOption(
      new Option(
        "--expires-in <seconds>",
        "life of access tokens; none, where the kind is not google, for tokens without an end",
      ).argParser(life),
    );
  return withJson(command).action(async (flags: Flags) => {
    const { standin } = await import("./run.ts");
    await standin(flags);
  });
}

function life(text: string): number | "none" {
  if (text === "none") return text;
  const value = Number(text);
  if (/^\d{1,9}$/.test(text) && value > 0) return value;
  throw new InvalidArgumentError("it must be none, or a whole number of seconds from 1");
}
