/** What a suite of measurements has found: written as JSON, and made into `docs/performance.md`. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { canPin } from "./pinning.ts";

/** What is asked of a row: its median, or that of its ratios, is at least or at most so much. */
export interface Aim {
  readonly of: "figure" | "ratio";
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** One contender in a table, with a figure for each round. */
export interface Row {
  readonly name: string;
  readonly settings?: string;
  /** The name of the row of the same table that it is compared with, round by round; none for one that stands alone. */
  readonly against?: string;
  readonly figures: readonly number[];
  readonly aim?: Aim;
}

export interface Table {
  readonly title: string;
  /** What a figure counts, such as `answers per second of the server's CPU time`. */
  readonly unit: string;
  readonly rows: readonly Row[];
  /** Sentences that somebody needs who reads the table. */
  readonly notes?: readonly string[];
}

export interface SuiteResult {
  readonly suite: string;
  /** When it began, as ISO 8601. */
  readonly began: string;
  readonly tookSeconds: number;
  /** Numbers were made small, to see that it runs: no figure means anything. */
  readonly isTrial: boolean;
  readonly rounds: number;
  readonly machine: Machine;
  /** The load averages of the last minute, when the suite began and when it ended. */
  readonly load: readonly [before: number, after: number];
  readonly tables: readonly Table[];
  /** Contenders that were left out, and why. */
  readonly leftOut: readonly { readonly name: string; readonly why: string }[];
}

export interface Machine {
  readonly processor: string;
  readonly processors: number;
  readonly memoryGB: number;
  readonly system: string;
  readonly node: string;
  readonly sqlite: string;
  readonly pinned: boolean;
  /** Of the checkout; `-dirty` behind it where files were changed. */
  readonly commit: string;
}

export function thisMachine(): Machine {
  const all = cpus();
  return {
    processor: all[0]?.model.trim() ?? "unknown",
    processors: all.length,
    memoryGB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release().split("-")[0]}`,
    node: process.versions.node,
    sqlite: process.versions["sqlite"] ?? "unknown",
    pinned: canPin,
    commit: commitOf(),
  };
}

export function loadNow(): number {
  return Number((loadavg()[0] ?? 0).toFixed(2));
}

function commitOf(): string {
  try {
    const git = (...args: string[]): string => execFileSync("git", args, { encoding: "utf8" }).trim();
    return `${git("rev-parse", "--short", "HEAD")}${git("status", "--porcelain", "--", "src") === "" ? "" : "-dirty"}`;
  } catch {
    return "unknown";
  }
}

/** The version of a package of `bench/`; undefined where it is not installed. */
export function versionOf(name: string): string | undefined {
  try {
    const manifest = readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), "utf8");
    return (JSON.parse(manifest) as { version: string }).version;
  } catch {
    return undefined;
  }
}
