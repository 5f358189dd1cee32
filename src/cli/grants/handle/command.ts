import { Command } from "commander";
import { durationOption } from "../../duration.ts";
import { withSettings } from "../../flags.ts";
import type { RefFlags } from "../ref.ts";
import type { CreateFlags } from "./create.ts";

const refText = "which grant: its id (g_…), sub:{subject} or ext:{external_id}";
const providerFlag = ["--provider <name>", "the provider, where the reference fits several grants"] as const;
const accountFlag = ["--account <label>", "which account, where a user of the app has several at a provider"] as const;

/** `onbehalf grants handle`: what callers send to the token endpoint in the place of refresh tokens. */
export function handleCommand(): Command {
  const handle = new Command("handle").description(
    "make, list and end handles: what a caller sends to the token endpoint in the place of a refresh token",
  );
  handle.addCommand(
    withSettings(
      new Command("create")
        .argument("<ref>", refText)
        .description("make a handle and print it, once: only a keyed hash of it is stored")
        .requiredOption("--caller <name>", "the caller that will use it")
        .option("--name <name>", "a name for the handle: 1 to 64 letters, digits, and . _ -", "handle")
        .option(
          "--scopes <list>",
          "the most that its tokens may be good for, separated by commas (what the grant holds)",
        )
        .addOption(durationOption("--expires <time>", "after what time the handle ends, such as 90d (never)"))
        .option("--out <path>", "write the handle to a new file that only this user may read, instead of printing it")
        .option(...providerFlag)
        .option(...accountFlag),
      "client",
    ).action(async (ref: string, flags: CreateFlags) => {
      const { create } = await import("./create.ts");
      await create(ref, flags);
    }),
  );
  handle.addCommand(
    withSettings(
      new Command("list")
        .argument("<ref>", refText)
        .description("list a grant's handles, those that have ended too")
        .option(...providerFlag)
        .option(...accountFlag),
      "store",
    ).action(async (ref: string, flags: RefFlags & { readonly json?: boolean }) => {
      const { list } = await import("./list.ts");
      await list(ref, flags);
    }),
  );
  handle.addCommand(
    withSettings(
      new Command("revoke")
        .argument("<ref>", refText)
        .argument("<handle-id>", "which handle, as list shows it")
        .description("end a handle; running services refuse it within a second")
        .option(...providerFlag)
        .option(...accountFlag),
      "store",
    ).action(async (ref: string, handleId: string, flags: RefFlags & { readonly json?: boolean }) => {
      const { revoke } = await import("./revoke.ts");
      await revoke(ref, handleId, flags);
    }),
  );
  return handle;
}
