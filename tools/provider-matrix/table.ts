/** The table of docs/providers.md, made of what the cells have shown. */
import { columns } from "./matrix.ts";
import type { Cell } from "./matrix.ts";

const begin = "<!-- Written by node tools/provider-table.ts -->\n";
const end = "<!-- End of the table -->\n";

/** @param results what stands in each cell */
export function table(results: readonly (readonly [Cell, string])[]): string {
  const rows = Map.groupBy(results, ([{ provider, authentication }]) => `| ${provider} | \`${authentication}\` `);
  const head = ["provider", "client authentication", ...columns.map(([title]) => title)];
  return [
    `| ${head.join(" | ")} |`,
    `|${" --- |".repeat(head.length)}`,
    ...[...rows].map(([name, cells]) => `${name}| ${cells.map(([, result]) => result).join(" | ")} |`),
    "",
  ].join("\n");
}

/** The page with this table in the place of the one that it has. */
export function withTable(page: string, text: string): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < 0) throw new Error("docs/providers.md has no place for the table");
  return `${page.slice(0, from + begin.length)}\n${text}\n${page.slice(to)}`;
}
