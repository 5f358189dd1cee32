import { Command, Option } from "commander";
import { numberOption, withSettings } from "../flags.ts";

const states = ["active", "suspect", "lapsed", "revoking", "revoked"];
const refText = "g_… (a grant's id), sub:{subject} or ext:{external_id}";
const providerFlag = ["--provider <name>", "which provider, where the reference fits several grants"] as const;

interface Flags {
  readonly provider?: string;
  readonly json?: boolean;
}

/** `onbehalf grants`: what people have granted. */
export function grantsCommand(): Command {
  const grants = new Command("grants").description("what people have granted: look at it, get a token, revoke it");
  grants.addCommand(
    withSettings(
      new Command("list")
        .description("a page of grants, without tokens")
        .addOption(new Option("--state <state>", "only those in this state").choices(states))
        .option("--external-id <id>", "only those of this user of the app")
        .option("--subject <sub>", "only those of this person, by the provider's name for them")
        .option("--provider <name>", "only those of this provider")
        .addOption(numberOption("--limit <number>", "at most so many", 1, 500).default(50))
        .option("--cursor <cursor>", "where the page before ended"),
      "store",
    ).action(async (flags: Flags & { limit: number }) => {
      const { list } = await import("./list.ts");
      await list(flags);
    }),
  );
  grants.addCommand(
    withSettings(
      new Command("show")
        .argument("<ref>", refText)
        .description("one grant, without its tokens")
        .option(...providerFlag),
      "store",
    ).action(async (ref: string, flags: Flags) => {
      const { show } = await import("./show.ts");
      await show(ref, flags);
    }),
  );
  grants.addCommand(
    withSettings(
      new Command("token")
        .argument("<ref>", refText)
        .description(
          "a valid access token, refreshed first where that is needed; exit 3: the person must consent again",
        )
        .option(...providerFlag)
        .addOption(numberOption("--min-ttl-seconds <seconds>", "how long it must still live (60)", 0, 86_400)),
      "client",
    ).action(async (ref: string, flags: Flags & { minTtlSeconds?: number }) => {
      const { token } = await import("./token.ts");
      await token(ref, flags);
    }),
  );
  grants.addCommand(
    withSettings(
      new Command("revoke")
        .argument("<ref>", refText)
        .description("revoke at the provider and end the grant; at Google, with every other grant of the same person")
        .option(...providerFlag),
      "client",
    ).action(async (ref: string, flags: Flags) => {
      const { revoke } = await import("./revoke.ts");
      await revoke(ref, flags);
    }),
  );
  return grants;
}
