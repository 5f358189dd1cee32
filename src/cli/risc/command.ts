import { Command, Option } from "commander";
import { withSettings } from "../flags.ts";
import type { RiscFlags } from "./risc-flags.ts";

/** `onbehalf risc`: has Google deliver security events to this service (Cross-Account Protection). */
export function riscCommand(): Command {
  const risc = new Command("risc").description("have Google deliver security events (Cross-Account Protection)");
  const register = about(new Command("register").description("tell Google where this service takes events"));
  risc.addCommand(
    register.action(async (flags: RiscFlags) => {
      const { registerStream } = await import("./stream.ts");
      await registerStream(flags);
    }),
  );
  risc.addCommand(
    about(new Command("status").description("show where Google delivers events, and whether it does")).action(
      async (flags: RiscFlags) => {
        const { showStream } = await import("./stream.ts");
        await showStream(flags);
      },
    ),
  );
  risc.addCommand(
    about(new Command("test").description("have Google deliver a test event, and wait until it has come")).action(
      async (flags: RiscFlags) => {
        const { testStream } = await import("./stream.ts");
        await testStream(flags);
      },
    ),
  );
  return risc;
}

function about(command: Command): Command {
  return withSettings(command, "service").addOption(
    new Option(
      "--service-account-file <path>",
      "key file of a service account with the role RISC Configuration Admin",
    ).makeOptionMandatory(),
  );
}
