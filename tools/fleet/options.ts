/** What a run is made of, unless something else is asked for. */
import type { Rotation } from "../../src/core/refresh.ts";
import { hintPaceMs } from "../../src/vault/tokens/change-poll.ts";
import type { UnitCosts } from "./database.ts";
import { measuredCosts, onServer } from "./unit-costs.ts";
import { ordinaryUsage } from "./usage.ts";
import type { Usage } from "./usage.ts";
import type { Broken } from "./model.ts";

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
  hintMs: hintPaceMs,
  usage: ordinaryUsage,
  costs: onServer(measuredCosts()),
};

/** The runs that `docs/scale.md` shows. */
export const publishedRuns: readonly (Partial<FleetRun> & Pick<FleetRun, "scenario">)[] = [
  { scenario: "day" },
  { scenario: "day", hours: 3, routing: "by-grant" },
  ...["deploy", "failover", "changes", "outage", "cold", "kills"].map((scenario) => ({ scenario, hours: 3 })),
  { scenario: "kills", hours: 3, rotation: { graceSeconds: 60 } },
  { scenario: "crashes", hours: 3, rotation: "strict" },
];
