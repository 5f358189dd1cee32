import { readdirSync } from "node:fs";
import { defined } from "../../core/defined.ts";
import { canAsk, conversation } from "../terminal/ask.ts";
import type { Conversation } from "../terminal/ask.ts";
import { UsageError } from "../terminal/usage-error.ts";
import type { InitFlags } from "./init-flags.ts";

/**
 * The flags, with what a person adds who is there to be asked. Without a person, a flag must say which client it is.
 *
 * @throws {UsageError} nobody says which client it is, or two flags say it
 */
export async function answers(flags: InitFlags): Promise<InitFlags> {
  const { clientSecretFile, standin } = flags;
  if (clientSecretFile !== undefined && standin !== undefined) {
    throw new UsageError("--client-secret-file and --standin are both given", "give one of them");
  }
  if (standin !== undefined || clientSecretFile !== undefined) return flags;
  const found = clientFilesHere();
  const [only] = found.length === 1 ? found : [];
  if (!canAsk()) {
    throw new UsageError(
      "which client it is, is not said",
      only === undefined
        ? "give the web client's file with --client-secret-file, or --standin to go on without Google"
        : `give --client-secret-file ${only}, or --standin to go on without Google`,
    );
  }
  const { ask, end } = conversation();
  try {
    return await asked(flags, only, ask);
  } finally {
    end();
  }
}

async function asked(flags: InitFlags, only: string | undefined, ask: Conversation["ask"]): Promise<InitFlags> {
  const proposal = only === undefined ? "" : ` [${only}]`;
  const typed = await ask(`onbehalf: the web client's file from Google's console${proposal}, or - for the stand-in: `);
  const chosen = typed === "" ? only : typed?.replaceAll(/^(["'])(.*)\1$/g, "$2");
  if (chosen === undefined) throw new UsageError("no client file was named", "run it again, or give --standin");
  if (chosen === "-") return { ...flags, standin: true };
  const publicUrl =
    flags.publicUrl ?? (await ask("onbehalf: the URL by which phones and people will reach the service, or nothing: "));
  return { ...flags, clientSecretFile: chosen, ...defined({ publicUrl: publicUrl === "" ? undefined : publicUrl }) };
}

/** The files here that have the name which Google's console gives them. */
function clientFilesHere(): string[] {
  return readdirSync(".").filter((name) => /^client_secret.*\.json$/.test(name));
}
