import { Command } from "commander";
import { numberOption, withJson } from "../flags.ts";
import type { InitFlags } from "./init-flags.ts";

/** `onbehalf init`: writes a configuration that starts, and says what to enter at Google. It changes no file that is there. */
export function initCommand(): Command {
  const command = new Command("init")
    .description(
      "write a configuration that starts: settings, a master key and the key of a first caller; say what to enter at Google",
    )
    .option("--client-secret-file <path>", "client_secret.json of the web client, as downloaded from the Cloud console")
    .option(
      "--standin [url]",
      "go on without Google: use the stand-in that onbehalf standin runs (http://127.0.0.1:4600)",
    )
    .option("--dir <path>", "the folder to write to; it is made where there is none (the one that you are in)")
    .option("--store <url>", "where grants are stored: sqlite:PATH or postgres://… (a new file in that folder)")
    .option("--public-url <url>", "the URL by which people and phones will reach the service")
    .option("--origin <origin>", "the origin of a page of yours that signs people in, such as https://app.example.com")
    .addOption(numberOption("--port <number>", "the port to listen on (8787)", 0, 65_535))
    .option("--caller <name>", "the name of the first program that will ask for tokens (app)")
    .option("--allow <list>", "what that program may do, separated by commas (token,grants:read)");
  return withJson(command).action(async (flags: InitFlags) => {
    const { init } = await import("./run.ts");
    await init(flags);
  });
}
