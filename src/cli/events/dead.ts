import { withKeys } from "../open-vault.ts";
import { printJson, printLines, say, table } from "../terminal/print.ts";

/** The flags of `events dead`. */
export interface DeadFlags {
  readonly after: number;
  readonly json?: boolean;
}

const mostShown = 500;

/** Lists what is not tried any more, and says how much waits. */
export async function dead(flags: DeadFlags): Promise<void> {
  await withKeys(flags, async ({ store }) => {
    const rows = await store.deadDeliveries(flags.after, mostShown);
    const counts = await store.deliveryCounts();
    const state = await store.webhookState();
    const stopped = state?.stopped ?? undefined;
    if (flags.json === true) {
      const events = rows.map(({ seq, line, tries, error, deadAt }) => {
        return { seq, about: line, tries, error, given_up_at: deadAt === null ? null : new Date(deadAt) };
      });
      printJson({ events, waiting: counts.waiting, dead: counts.dead, stopped });
      return;
    }
    if (stopped !== undefined) say(`nothing is delivered any more: ${stopped}`);
    say(`${counts.waiting} events wait, ${counts.dead} were given up`);
    const cells = rows.map(({ seq, line, tries, error, deadAt }) => [
      String(seq),
      deadAt === null ? "" : new Date(deadAt).toISOString(),
      line,
      String(tries),
      error ?? "",
    ]);
    printLines(table(["SEQ", "GIVEN UP", "ABOUT", "TRIES", "ERROR"], cells));
  });
}
