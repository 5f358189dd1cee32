import { withKeys } from "../open-vault.ts";
import { printJson, say } from "../terminal/print.ts";
import { UsageError } from "../terminal/usage-error.ts";

/** The flags of `events replay`. */
export interface ReplayFlags {
  readonly after?: number;
  readonly dead?: boolean;
  readonly json?: boolean;
}

/** Lets events be delivered again. The service does it, within seconds. */
export async function replay({ after, dead, ...flags }: ReplayFlags): Promise<void> {
  if ((after === undefined) === (dead !== true))
    throw new UsageError("say which events, in one way", "give --dead, or --after 1200");
  await withKeys(flags, async ({ store }) => {
    const events = await store.replayDeliveries(after, Date.now());
    if (flags.json === true) printJson({ events });
    else say(`${events} events are delivered once more`);
  });
}
