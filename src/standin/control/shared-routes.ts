/**
 * What a test does to a stand-in of any kind: place a fault, move the clock, change a setting, take an app's access away,
 * read the log. What only one kind has is in that kind's folder.
 */

import { advanceClock, removeApp } from "./shared-actions.ts";
import { bodyOf, control, snakeCased } from "./control-handler.ts";
import { readPlacedFault } from "../http/faults.ts";
import type { Route } from "../http/router.ts";
import { BadInput, number, read } from "../input-checks.ts";
import type { StandinState } from "../state/standin-state.ts";

/** A kind's settings, as the control routes read and change them. */
export interface SettingsAccess {
  /** All settings, names in camelCase. */
  all(): object;
  /**
   * Changes settings whose names are in snake_case.
   *
   * @throws {BadInput} naming the member that is unknown or out of range
   */
  change(input: unknown): void;
}

/** The control routes that every kind has. */
export function sharedControlRoutes(state: StandinState, settings: SettingsAccess): Route[] {
  const clock = (): unknown => ({ now: new Date(state.clock.now()).toISOString() });
  return [
    {
      at: ["/standin/faults"],
      GET: control(() => ({ faults: state.faults.waiting().map(snakeCased) })),
      POST: control((request) => {
        state.faults.add(readPlacedFault(bodyOf(request), "snake"));
        return { faults: state.faults.waiting().map(snakeCased) };
      }),
      DELETE: control(() => {
        state.faults.clear();
        return { faults: [] };
      }),
    },
    {
      at: ["/standin/clock"],
      GET: control(clock),
      POST: control((request) => {
        const { advanceSeconds } = read(bodyOf(request), { advanceSeconds: number(0) }, "snake", ["advanceSeconds"]);
        advanceClock(state, advanceSeconds * 1_000);
        return clock();
      }),
    },
    {
      at: ["/standin/settings"],
      GET: control(() => snakeCased(settings.all())),
      POST: control((request) => {
        settings.change(bodyOf(request));
        return snakeCased(settings.all());
      }),
    },
    { at: ["/standin/revoke"], POST: control((request) => ({ revoked: removeApp(state, bodyOf(request), "snake") })) },
    {
      at: ["/standin/log"],
      GET: control(
        (request) => {
          const since = request.query.get("since") ?? "0";
          if (!/^\d{1,15}$/.test(since)) throw new BadInput("since must be the number of a log entry, or 0 for all");
          return state.log.page(Number(since));
        },
        ["since"],
      ),
    },
  ];
}
