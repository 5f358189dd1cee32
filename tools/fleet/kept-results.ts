/** The results that `docs/scale.md` shows. */
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import type { Result } from "./result.ts";

const folder = new URL("results/", import.meta.url);

/** By the name of their file. */
export function keptResults(): ReadonlyMap<string, Result> {
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  const read = (name: string): Result => JSON.parse(readFileSync(new URL(name, folder), "utf8")) as Result;
  return new Map(names.toSorted().map((name) => [name.replace(".json", ""), read(name)]));
}

export function keepResult(result: Result): void {
  writeFileSync(new URL(`${nameOf(result)}.json`, folder), `${JSON.stringify(result, null, 2)}\n`);
}

function nameOf({ run: { scenario, rotation, routing } }: Result): string {
  const rotating = rotation === "strict" ? ["strict"] : rotation === "none" ? [] : ["grace"];
  return [scenario, ...rotating, ...(routing === "any" ? [] : [routing])].join("-");
}
