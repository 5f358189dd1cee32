import { circumstances, shownAim, shownSpread, summaryOf } from "./figures.ts";
import type { SuiteResult } from "./result.ts";

/** A result for a terminal. */
export function textOf(result: SuiteResult): string {
  const lines = [`${result.suite}: ${circumstances(result)}`];
  for (const table of result.tables) {
    lines.push(`${table.title} (${table.unit}; median, smallest to largest)`);
    for (const row of table.rows) {
      const { figure, ratio, against, isMet } = summaryOf(table, row);
      const compared = ratio === undefined ? "" : `; ${shownSpread(ratio)} of ${against}`;
      const aim = isMet === undefined ? "" : `; ${shownAim(row)}: ${isMet ? "met" : "MISSED"}`;
      lines.push(`  ${row.name}: ${shownSpread(figure)}${compared}${aim}`);
    }
    for (const note of table.notes ?? []) lines.push(`  note: ${note}`);
  }
  for (const { name, why } of result.leftOut) lines.push(`  left out: ${name}: ${why}`);
  return `${lines.join("\n")}\n`;
}
