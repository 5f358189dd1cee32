import { Command, InvalidArgumentError, Option } from "commander";
import { durationOption } from "../duration.ts";
import { numberOption, withSettings } from "../flags.ts";
import type { AdcFlags } from "./adc.ts";
import { handleCommand } from "./handle/command.ts";

const states = ["active", "suspect", "lapsed", "revoking", "revoked"];
const refText = "which grant: its id (g_…), sub:{subject} or ext:{external_id}";
const providerFlag = ["--provider <name>", "the provider, where the reference fits several grants"] as const;

const accountFlag = ["--account <label>", "which account, where a user of the app has several at a provider"] as const;

interface Flags {
  readonly provider?: string;
  readonly account?: string;
  readonly json?: boolean;
}

/** `onbehalf grants`: shows what people have granted, gets a token for it, revokes it, and takes in refresh tokens that exist. */
export function grantsCommand(): Command {
  const grants = new Command("grants").description(
    "look at what people have granted, get a token for it, revoke it, take in refresh tokens that exist",
  );
  grants.addCommand(
    withSettings(
      new Command("list")
        .description("list grants, a page at a time, without tokens")
        .addOption(new Option("--state <state>", "only grants in this state").choices(states))
        .option("--external-id <id>", "only grants of this user of the app")
        .option("--account <label>", "only grants of an account with this label, of that user or of any")
        .option("--subject <sub>", "only grants of the person with this subject, the provider's id of them")
        .option("--provider <name>", "only grants of this provider")
        .addOption(numberOption("--limit <number>", "the most grants that the page may have", 1, 500).default(50))
        .option("--cursor <cursor>", "the cursor of the page before"),
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
        .description("show one grant, without its tokens")
        .option(...providerFlag)
        .option(...accountFlag),
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
          "print a valid access token, after a refresh where that is needed; exit code 3: the person must consent again",
        )
        .option(...providerFlag)
        .option(...accountFlag)
        .addOption(
          numberOption("--min-ttl-seconds <seconds>", "how many seconds the token must still be valid (60)", 0, 86_400),
        )
        .option("--refused <sha256>", "the SHA-256, in hex, of a token that an API refused: print another one"),
      "client",
    ).action(async (ref: string, flags: Flags & { minTtlSeconds?: number; refused?: string }) => {
      const { token } = await import("./token.ts");
      await token(ref, flags);
    }),
  );
  grants.addCommand(
    withSettings(
      new Command("probe")
        .argument("<ref>", refText)
        .description(
          "ask the provider whether the consent still stands, at most once in ten seconds; exit code 0: it does, 3: the " +
            "person must consent again, 1: nobody knows",
        )
        .option(...providerFlag)
        .option(...accountFlag),
      "client",
    ).action(async (ref: string, flags: Flags) => {
      const { probe } = await import("./probe.ts");
      await probe(ref, flags);
    }),
  );
  grants.addCommand(
    withSettings(
      new Command("revoke")
        .argument("<ref>", refText)
        .description(
          "revoke a grant at the provider and end it here; Google then also ends the person's other grants to the project",
        )
        .option(...providerFlag)
        .option(...accountFlag)
        .option("--yes", "do not ask; without a terminal nothing is asked anyway"),
      "client",
    ).action(async (ref: string, flags: Flags & { yes?: boolean }) => {
      const { revoke } = await import("./revoke.ts");
      await revoke(ref, flags);
    }),
  );
  grants.addCommand(handleCommand());
  grants.addCommand(
    withSettings(
      new Command("adc")
        .argument("<ref>", refText)
        .description(
          "make a handle for a caller, and the file by which Google's client libraries get tokens with it " +
            "(application default credentials)",
        )
        .requiredOption("--caller-key-file <path>", "file with the key of the caller whose programs will use it")
        .option("--out <path>", "the file to write, which only this user may read", "adc.json")
        .option("--overwrite", "put it in the place of a file that is there")
        .option("--name <name>", "a name for the handle: 1 to 64 letters, digits, and . _ -", "adc")
        .option(
          "--scopes <list>",
          "the most that its tokens may be good for, separated by commas (what the grant holds)",
        )
        .addOption(durationOption("--expires <time>", "after what time the handle ends, such as 90d (never)"))
        .option("--public-url <url>", "the URL by which the programs reach the service [ONBEHALF_PUBLIC_URL]")
        .option(...providerFlag)
        .option(...accountFlag),
      "client",
    ).action(async (ref: string, flags: AdcFlags) => {
      const { adc } = await import("./adc.ts");
      await adc(ref, flags);
    }),
  );
  grants.addCommand(
    withSettings(
      new Command("deposit")
        .argument("<file>", "refresh tokens to take in, a JSON object a line; - for standard input")
        .description(
          "take in refresh tokens that exist: each is proved by a refresh whose answer is kept, and none is sent twice, " +
            "also when the command is killed and run again",
        )
        .option("--provider <name>", "the provider of lines that name none")
        .addOption(rateOption())
        .addOption(numberOption("--concurrency <number>", "how many are under way at once", 1, 256).default(16))
        .option("--report <path>", "write what became of each line there, a JSON object a line; rows are added")
        .option("--send-again", "send tokens once more whose answer was lost; read docs/deposits.md first"),
      "client",
    ).action(async (file: string, flags: DepositFlags) => {
      const { deposit } = await import("./deposit/run.ts");
      await deposit(file, flags);
    }),
  );
  return grants;
}

interface DepositFlags extends Flags {
  readonly rate?: number;
  readonly concurrency: number;
  readonly report?: string;
  readonly sendAgain?: true;
}

/** A rate in tokens a second. */
function rateOption(): Option {
  return new Option("--rate <rate>", "the most tokens to send, such as 100/s or 30/min (50/s)").argParser((text) => {
    const [, digits = "", unit = "s"] = /^(\d{1,5}(?:\.\d{1,3})?)(?:\/(s|min))?$/.exec(text) ?? [];
    const perSecond = Number(digits) / (unit === "min" ? 60 : 1);
    if (digits !== "" && perSecond > 0 && perSecond <= 10_000) return perSecond;
    throw new InvalidArgumentError("it must be a number and /s or /min, such as 100/s, and 10000/s at most");
  });
}
