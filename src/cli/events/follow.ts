import { defined } from "../../core/defined.ts";
import { isOnbehalfError } from "../../core/errors.ts";
import { eventBody } from "../../core/events/app-event.ts";
import { refOf } from "../grants/ref.ts";
import type { RefFlags } from "../grants/ref.ts";
import { openWithoutClient } from "../open-vault.ts";
import { printJson, printLines, say } from "../terminal/print.ts";
import { untilStopped } from "../terminal/stop.ts";
import { eventCells } from "./event-cells.ts";

/** The flags of `events follow`. */
export interface FollowFlags extends RefFlags {
  readonly after?: number;
  readonly grant?: string;
  readonly json?: boolean;
}

/** How long one look waits, seconds. */
const waitSeconds = 30;
/** How long to wait after the store did not answer, milliseconds. */
const againMs = 1_000;

/** Prints events as they come, a line each, until the process is told to stop. */
export async function follow(flags: FollowFlags): Promise<void> {
  await using vault = await openWithoutClient(flags);
  const stopping = new AbortController();
  void untilStopped().then(() => stopping.abort());
  const { signal } = stopping;
  const grant = flags.grant === undefined ? undefined : refOf(flags.grant, flags);
  let { after } = flags;
  after ??= await vault.eventReader.newest();
  for (;;) {
    try {
      const { events, next } = await vault.events(defined({ after, waitSeconds, grant, signal }));
      for (const event of events) {
        if (flags.json === true) printJson(eventBody(event));
        else
          printLines([
            eventCells(event)
              .filter((cell) => cell !== "")
              .join("  "),
          ]);
      }
      after = next;
    } catch (error) {
      if (signal.aborted) return;
      if (!isOnbehalfError(error, "store_unavailable")) throw error;
      say(`${error.message}; trying again`);
      await new Promise((resolve) => setTimeout(resolve, againMs));
    }
  }
}
