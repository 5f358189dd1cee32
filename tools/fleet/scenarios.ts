/** What happens to the fleet beside its use. */
import { openLane } from "./database.ts";
import { events, leaveToUpkeep } from "./model.ts";
import type { FleetModel } from "./model.ts";
import type { Fleet } from "./fleet.ts";

export interface Scenario {
  readonly what: string;
  /** Whether all access tokens have ended when the run begins, and everybody comes at once. */
  readonly isCold?: boolean;
  /**
   * @param atMs when it happens, milliseconds since the run began
   * @param endMs when the run ends
   */
  readonly begin: (fleet: Fleet, model: FleetModel, atMs: number, endMs: number) => void;
}

const minuteMs = 60_000;

export const scenarios: Readonly<Record<string, Scenario>> = {
  day: { what: "an ordinary day", begin: () => undefined },
  deploy: {
    what: "every service is restarted within five minutes, at the busiest hour",
    begin(fleet, { calendar }, atMs) {
      for (const { service } of fleet.processes) {
        calendar.timer(atMs + service * 15_000, () => void fleet.restart(service, 2_000));
      }
    },
  },
  outage: {
    what: "the provider is away for an hour, the busiest",
    begin(_fleet, { calendar, provider }, atMs, endMs) {
      const length = Math.min(60 * minuteMs, (endMs - atMs) / 3);
      calendar.timer(atMs, () => (provider.isDown = true));
      calendar.timer(atMs + length, () => (provider.isDown = false));
    },
  },
  kills: {
    what: "every ten minutes a service is killed together with its keeper, and another starts half a minute later",
    begin(fleet, { calendar, random }, _atMs, endMs) {
      for (let at = 10 * minuteMs; at < endMs; at += 10 * minuteMs) {
        calendar.timer(at, () => fleet.kill(Math.floor(random() * fleet.processes.length), 30_000));
      }
    },
  },
  crashes: {
    what: "every ten minutes a service is killed, and its keeper finishes what was begun",
    begin(fleet, { calendar, random }, _atMs, endMs) {
      for (let at = 10 * minuteMs; at < endMs; at += 10 * minuteMs) {
        const service = Math.floor(random() * fleet.processes.length);
        calendar.timer(at, () => void fleet.restart(service, 2_000, true));
      }
    },
  },
  failover: {
    what: "the database is away for 30 seconds, at the busiest hour",
    begin(_fleet, model, atMs) {
      const { calendar, database } = model;
      calendar.timer(atMs, () => database.fail());
      calendar.timer(atMs + 30_000, () => {
        database.recover();
        leaveToUpkeep(model);
      });
    },
  },
  cold: {
    what: "all access tokens have ended, nothing is in memory, and everybody comes within a minute",
    isCold: true,
    begin: () => undefined,
  },
  changes: {
    what: "for ten minutes another program changes a thousand grants a second, at the busiest hour",
    begin(fleet, { calendar, database, grants, random }, atMs) {
      const lane = openLane();
      const aSecond = Math.min(1_000, grants.count / 1_000);
      const change = (): void => {
        const grant = Math.floor(random() * grants.count);
        void database.write(lane, "commit", () => fleet.changed(grant));
      };
      for (let n = 0; n < 600; n += 1) {
        calendar.timer(atMs + n * 1_000, () => {
          for (let each = 0; each < aSecond; each += 1) {
            calendar.timer(calendar.now + (each * 1_000) / aSecond, change);
          }
        });
      }
    },
  },
};

/** People who come back all at once: a use of each active grant within a minute. */
export function everybodyComes({ calendar, random }: FleetModel, from: number, to: number): void {
  for (let grant = from; grant < to; grant += 1) calendar.add(random() * minuteMs, events.use, grant, 3);
}
