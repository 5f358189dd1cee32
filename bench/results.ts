import { readFileSync, readdirSync } from "node:fs";
import type { SuiteResult } from "./result.ts";

const folder = new URL("results/", import.meta.url);

/** The results that are kept with the code, in the order of their names. */
export function committedResults(): SuiteResult[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .map((name) => JSON.parse(readFileSync(new URL(name, folder), "utf8")) as SuiteResult);
}
