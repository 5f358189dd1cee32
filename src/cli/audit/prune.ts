import { openWithoutClient } from "../open-vault.ts";
import { canAsk, confirm } from "../terminal/ask.ts";
import { printJson, say } from "../terminal/print.ts";
import { UsageError } from "../terminal/usage-error.ts";

/** The flags of `audit prune`. */
export interface PruneFlags {
  readonly before?: Date;
  /** Milliseconds. */
  readonly olderThan?: number;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** Takes old rows out of the audit log, once somebody has said yes. */
export async function prune({ before, olderThan, yes = false, ...flags }: PruneFlags): Promise<void> {
  if ((before === undefined) === (olderThan === undefined)) {
    throw new UsageError("say which rows go, in one way", "give --older-than 400d, or --before 2026-01-01");
  }
  await using vault = await openWithoutClient(flags);
  const end = before ?? new Date(vault.clock.now() - (olderThan ?? 0));
  if (!yes && !(await isWanted(`take all rows from before ${end.toISOString()} out of the audit log, for ever?`))) {
    say("nothing was changed");
    return;
  }
  const { rows, upTo } = await vault.audit.prune(end);
  if (flags.json === true) printJson({ pruned: rows, pruned_up_to: upTo });
  const { seq, hash } = await vault.audit.head();
  say(
    rows === 0
      ? "no row is that old"
      : `${rows} rows were taken out, up to row ${upTo}; the head is ${seq}:${hash} now`,
  );
}

/** What is taken out cannot be put back, and no script has run this before it could be told so: it must say yes. */
async function isWanted(question: string): Promise<boolean> {
  if (canAsk()) return confirm(`onbehalf: ${question}`);
  throw new UsageError(
    "nobody is there to say yes to this: standard input is no terminal",
    "export the rows first, then give --yes",
  );
}
