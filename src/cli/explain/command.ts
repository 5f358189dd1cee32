import { Command } from "commander";
import { withJson } from "../flags.ts";

/** `onbehalf explain`: looks words up in the pages. It opens no store, asks no provider and reads no setting. */
export function explainCommand(): Command {
  const command = new Command("explain")
    .argument("<text...>", "an error code, a provider's answer, a line of a log, an address; - reads stdin")
    .description("say what an error means, who can do something about it, and what to do; without server or database")
    // What is pasted may begin with a dash. Commander would take it for an option, and repeat it.
    .allowUnknownOption();
  return withJson(command).action(async (words: string[], flags: { json?: boolean }) => {
    const { explain } = await import("./run.ts");
    await explain(words, flags);
  });
}
