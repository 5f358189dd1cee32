import { sdks } from "../sdks.ts";
import { otherScenarios, scenarioPasses, suiteResults } from "./suite.ts";
import type { Kept } from "./suite.ts";

/** A row of the table: the scenario, then a cell for each SDK and each place of the tokens. */
export type Row = readonly string[];

export const columns: readonly (readonly [string, Kept])[] = [...sdks.keys()].flatMap((sdk) => [
  [sdk, "memory"] as const,
  [sdk, "vault"] as const,
]);

const said = (passes: boolean | undefined): string => (passes === true ? "passes" : "fails");

/** Runs all scenarios in each way. It takes minutes. */
export async function allRows(): Promise<readonly Row[]> {
  const suites: ReadonlyMap<string, boolean>[] = [];
  for (const [sdk, kept] of columns) suites.push(await suiteResults(sdk, kept));
  const names = [...(suites[0]?.keys() ?? [])];
  const rows = names.map((name) => [name].concat(suites.map((suite) => said(suite.get(name)))));
  for (const scenario of otherScenarios) {
    const cells: string[] = [];
    for (const [sdk, kept] of columns) cells.push(said(await scenarioPasses(scenario, sdk, kept)));
    cells.unshift(scenario);
    rows.push(cells);
  }
  return rows;
}

const heading = [
  "scenario",
  ...columns.map(([sdk, kept]) => `SDK ${sdk}, ${kept === "memory" ? "its own way" : "vault"}`),
];
const place = /<!-- conformance -->\n[^]*?<!-- \/conformance -->/;

/** The rows of the table in a page. */
export function rowsIn(page: string): readonly Row[] {
  const [table = ""] = place.exec(page) ?? [];
  const lines = table.split("\n").filter((line) => line.startsWith("| auth/") || line.startsWith("| `auth/"));
  return lines.map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll("`", "")),
  );
}

/** The page with these rows. */
export function withRows(page: string, rows: readonly Row[]): string {
  const cells = [heading, heading.map(() => "---"), ...rows.map(([name = "", ...rest]) => [`\`${name}\``, ...rest])];
  const table = cells.map((row) => `| ${row.join(" | ")} |`).join("\n");
  return page.replace(place, () => `<!-- conformance -->\n\n${table}\n\n<!-- /conformance -->`);
}
