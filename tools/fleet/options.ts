/** What a run is made of, unless something else is asked for. */
import type { Rotation } from "../../src/core/refresh.ts";
import type { UnitCosts } from "./database.ts";
import { ordinaryUsage } from "./usage.ts";
import type { Usage } from "./usage.ts";
import type { Broken } from "./world.ts";

export interface FleetRun {
  readonly scenario: string;
  readonly grants: number;
  readonly hours: number;
  readonly services: number;
  readonly seed: number;
  readonly rotation: Rotation;
  /** How many exchanges a second the provider allows the client. */
  readonly quota: number;
  readonly tokensInMemory: number;
  readonly routing: "any" | "by-grant";
  /** How soon after one look for changes a commit makes a service look again, milliseconds; undefined: it only polls. */
  readonly hintMs: number | undefined;
  readonly usage: Usage;
  readonly costs: UnitCosts;
  readonly broken?: Broken | undefined;
}

export const ordinaryRun: Omit<FleetRun, "scenario" | "seed"> = {
  grants: 10_000_000,
  hours: 24,
  services: 20,
  rotation: "none",
  quota: 2_000,
  tokensInMemory: 50_000,
  routing: "any",
  hintMs: 2,
  usage: ordinaryUsage,
  costs: {
    cores: 8,
    transaction: 0.1,
    attempt: 0.15,
    commit: 0.35,
    end: 0.2,
    read: 0.06,
    look: 0.06,
    change: 0.01,
    page: 0.2,
    row: 0.002,
    flush: 1,
  },
};
