import { Command, Option } from "commander";
import { withSettings } from "../flags.ts";
import type { RiscFlags } from "./risc-flags.ts";

/** `onbehalf risc`: has Google (Cross-Account Protection) or another transmitter deliver security events to this service. */
export function riscCommand(): Command {
  const risc = new Command("risc").description(
    "have Google (Cross-Account Protection) or another transmitter deliver security events",
  );
  const register = about(new Command("register").description("tell the transmitter where this service takes events"));
  risc.addCommand(
    register.action(async (flags: RiscFlags) => {
      const { registerStream } = await import("./stream.ts");
      await registerStream(flags);
    }),
  );
  risc.addCommand(
    about(new Command("status").description("show where events are delivered, and whether they are")).action(
      async (flags: RiscFlags) => {
        const { showStream } = await import("./stream.ts");
        await showStream(flags);
      },
    ),
  );
  risc.addCommand(
    about(new Command("test").description("have a test event delivered, and wait until it has come")).action(
      async (flags: RiscFlags) => {
        const { testStream } = await import("./stream.ts");
        await testStream(flags);
      },
    ),
  );
  return risc;
}

function about(command: Command): Command {
  return withSettings(command, "service")
    .addOption(
      new Option(
        "--service-account-file <path>",
        "for Google: key file of a service account with the role RISC Configuration Admin",
      ),
    )
    .addOption(new Option("--provider <name>", "the provider about whose people events come, where it is not Google"))
    .addOption(
      new Option("--token-file <path>", "for that provider: file with the bearer token for its transmitter's API"),
    );
}
