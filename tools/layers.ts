import { globSync, readFileSync } from "node:fs";
import { matchesGlob } from "node:path";

interface Override {
  readonly files: readonly string[];
  readonly excludeFiles?: readonly string[];
  readonly rules: Readonly<Record<string, unknown>>;
}

/** Every source file, on disk rather than in the index: a folder that was made a minute ago counts. */
export function sourceFiles(): string[] {
  return globSync("src/**/*.ts").sort();
}

/**
 * What is wrong with how lint's rules of imports cover these files; empty where each has exactly one. With none, a new
 * folder could import whatever it likes. With two, lint takes the last and forgets the other, whatever that forbids.
 */
export function badlyCovered(files: readonly string[]): string[] {
  const { overrides } = JSON.parse(readFileSync(".oxlintrc.json", "utf8")) as { overrides: readonly Override[] };
  const rules = overrides.filter((override) => "eslint/no-restricted-imports" in override.rules);
  return files.flatMap((file) => {
    const covering = rules.filter((rule) => covers(rule, file)).map((rule) => rule.files.join(" "));
    if (covering.length === 1) return [];
    return covering.length === 0
      ? [`${file}: no rule says what it may import; add one for its folder to .oxlintrc.json`]
      : [`${file}: several rules say what it may import, and only the last counts: ${covering.join(", ")}`];
  });
}

function covers({ files, excludeFiles = [] }: Override, file: string): boolean {
  return files.some((glob) => matchesGlob(file, glob)) && !excludeFiles.some((glob) => matchesGlob(file, glob));
}
