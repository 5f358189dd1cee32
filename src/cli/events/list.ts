import { defined } from "../../core/defined.ts";
import { eventBody } from "../../core/events/app-event.ts";
import { openWithoutClient } from "../open-vault.ts";
import { refOf } from "../grants/ref.ts";
import type { RefFlags } from "../grants/ref.ts";
import { printJson, printLines, say, table } from "../terminal/print.ts";
import { eventCells, eventHeadings } from "./event-cells.ts";

/** The flags of `events list`. */
export interface ListFlags extends RefFlags {
  readonly after?: number;
  readonly grant?: string;
  readonly limit: number;
  readonly json?: boolean;
}

/** Lists a page of events. */
export async function list(flags: ListFlags): Promise<void> {
  await using vault = await openWithoutClient(flags);
  const { after, limit, grant: named } = flags;
  const grant = named === undefined ? undefined : refOf(named, flags);
  const { events, next } = await vault.events(defined({ after, limit, grant }));
  if (flags.json === true) {
    printJson({ events: events.map(eventBody), next });
    return;
  }
  if (events.length === 0) say("no event fits this search");
  printLines(table([...eventHeadings], events.map(eventCells)));
  if (events.length === limit) say(`there may be more events; see them with --after ${next}`);
}
