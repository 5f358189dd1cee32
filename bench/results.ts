import { readFileSync, readdirSync } from "node:fs";
import type { HourResult } from "./hour-verdict.ts";
import type { SuiteResult } from "./result.ts";

const folder = new URL("results/", import.meta.url);

/** What is kept with the code: results of suites, and of hours of mixed load, in the order of the files' names. */
export interface CommittedResults {
  readonly suites: readonly SuiteResult[];
  readonly hours: readonly HourResult[];
}

export function committedResults(): CommittedResults {
  const all = readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .map((name) => JSON.parse(readFileSync(new URL(name, folder), "utf8")) as SuiteResult | HourResult);
  return {
    suites: all.filter((each) => "suite" in each),
    hours: all.filter((each) => "parts" in each),
  };
}
