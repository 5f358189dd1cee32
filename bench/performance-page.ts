import { circumstances, shown, shownAim, shownSpread, summaryOf } from "./figures.ts";
import type { HourResult } from "./hour-verdict.ts";
import type { SuiteResult, Table } from "./result.ts";
import type { CommittedResults } from "./results.ts";
import { spreadOf } from "./rounds.ts";
import { suites } from "./suites.ts";

/** The page for whoever wants to know how quick Onbehalf is, made of results. */
export function performancePage({ suites: results, hours }: CommittedResults): string {
  const order = (result: SuiteResult): number => suites.findIndex(({ name }) => name === result.suite);
  const sorted = results.toSorted((one, other) => order(one) - order(other));
  return [head, machines(sorted), ...sorted.map(section), ...hours.map(hourSection), tail].join("\n\n");
}

const head = `# Performance

What Onbehalf costs, measured beside what you would write by hand and beside other software. \`npm run bench\` measures it and
\`npm run bench:page\` writes this page; a test holds the page to the results in \`bench/results/\`.

How to read it:

- All contenders of a table are measured in one run, in turn, round by round: a busy moment is busy for all. Compare within a
  table; what another machine does is another matter.
- A figure is the median of the rounds, with the smallest and the largest behind it. A ratio is made round by round, so that its
  spread is its own.
- _Per second of CPU time_ means of the process that answers. It does not depend on how busy the machine is, and is what one
  processor would do that did nothing else.
- Other software runs with the settings that make it quickest and are still reasonable; they stand below each table. It often does
  less: a Map revokes nothing, and nginx does not know whose token it is.
- _Held to_ is what we want a figure to be. Where it is missed, the table says so.`;

function machines(results: readonly SuiteResult[]): string {
  const lines = new Set(
    results.map(({ machine: { processor, processors, memoryGB, system, node, sqlite } }) =>
      [
        `${processors} processors (${processor}), ${memoryGB} GB of memory, ${system}`,
        `Node ${node}, SQLite ${sqlite}`,
      ].join("; "),
    ),
  );
  return ["## The machine", ...[...lines].map((line) => `${line}.`)].join("\n\n");
}

function section(result: SuiteResult): string {
  const title = suites.find(({ name }) => name === result.suite)?.title ?? result.suite;
  const trial = result.isTrial ? ["**A trial with small numbers: no figure here means anything.**"] : [];
  const leftOut = result.leftOut.map(({ name, why }) => `Left out: ${name} (${why}).`);
  return [
    `## ${capitalised(title)}`,
    ...trial,
    `${circumstances(result)} Again: \`npm run bench -- --suite ${result.suite} --rounds ${result.rounds}\`.`,
    ...result.tables.map(tableOf),
    ...leftOut,
  ].join("\n\n");
}

function hourSection(result: HourResult): string {
  const { startedAt, minutes, store, grants, times, verdict, parts, machine } = result;
  const requests = parts.flatMap(({ kinds }) => Object.values(kinds)).reduce((sum, { count }) => sum + count, 0);
  const loads = spreadOf(parts.map(({ load }) => load));
  const disk = [parts[0]?.diskMB ?? 0, parts.at(-1)?.diskMB ?? 0].map(shown);
  const lines = [
    ["99th percentile of token reads, milliseconds", shown(verdict.p99.first), shown(verdict.p99.last)],
    ...Object.entries(verdict.memory).map(([name, { first, last }]) => [
      `memory of the ${name}, MB`,
      shown(first),
      shown(last),
    ]),
  ];
  const late = parts.reduce((sum, { leftOut }) => sum + leftOut, 0);
  const errors = new Map<string, number>();
  for (const part of parts) {
    for (const [error, count] of Object.entries(part.errors)) errors.set(error, (errors.get(error) ?? 0) + count);
  }
  return [
    `## ${shown(minutes)} minutes of mixed load, ${store === "sqlite" ? "SQLite" : "PostgreSQL"}`,
    `Measured ${startedAt.slice(0, 16).replace("T", " ")} UTC at commit ${machine.commit}; load average ${shownSpread(loads)}. ` +
      `${shown(requests)} requests to one \`onbehalf serve\` with ${shown(grants)} grants: tokens that live two minutes, codes, ` +
      `revocations, lists, calls through the proxy, wrong keys; the provider is away for five seconds every two minutes. ` +
      `Again: \`npm run bench:hour -- --minutes ${minutes} --store ${store} --times ${times} --grants ${grants}\`.`,
    [["", "first sixth", "last sixth"], ["---", "---", "---"], ...lines]
      .map((cells) => `| ${cells.join(" | ")} |`)
      .join("\n"),
    [
      `- The database took ${disk[0]} MB after the first part and ${disk[1]} MB after the last.`,
      ...(late === 0 ? [] : [`- ${shown(late)} requests were left out, since the sender came too late for them.`]),
      ...[...errors].map(([error, count]) => `- ${error}: ${shown(count)}.`),
      ...(verdict.failures.length === 0
        ? ["- No error that the load does not explain; memory and the 99th percentile did not grow."]
        : verdict.failures.map((failure) => `- **Missed**: ${failure}.`)),
    ].join("\n"),
  ].join("\n\n");
}

function tableOf(table: Table): string {
  const summaries = table.rows.map((row) => ({ row, ...summaryOf(table, row) }));
  const hasRatios = summaries.some(({ ratio }) => ratio !== undefined);
  const hasAims = summaries.some(({ isMet }) => isMet !== undefined);
  const columns = ["", table.unit, ...(hasRatios ? ["ratio", "to"] : []), ...(hasAims ? ["held to"] : [])];
  const lines = summaries.map(({ row, figure, ratio, against, isMet }) => {
    const compared = ratio === undefined ? ["", ""] : [shownSpread(ratio), against ?? ""];
    const aim = isMet === undefined ? "" : `${shownAim(row)}${isMet ? "" : ": **missed**"}`;
    return [row.name, shownSpread(figure), hasRatios ? compared : [], hasAims ? [aim] : []].flat();
  });
  const settings = table.rows.flatMap(({ name, settings: how }) => (how === undefined ? [] : [`- ${name}: ${how}.`]));
  const notes = (table.notes ?? []).map((note) => `- ${capitalised(note)}.`);
  return [
    `### ${table.title}`,
    [columns, columns.map(() => "---"), ...lines].map((cells) => `| ${cells.map(cell).join(" | ")} |`).join("\n"),
    [...settings, ...notes].join("\n"),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

const cell = (text: string): string => text.replaceAll("|", String.raw`\|`);

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const tail = `## How to repeat it

In a checkout, on Linux. No test runs these commands, since they take twenty minutes; that each suite works with small numbers is
tested.

\`\`\`sh
npm ci
npm ci --prefix bench    # Better Auth, google-auth-library and what else is measured beside us; left out where it is missing
npm run bench -- --list  # the suites, and how long each takes
npm run bench -- --json bench/results/
npm run bench:page       # writes this page
\`\`\`

Give the machine nothing else to do. nginx is measured where it is installed, and processes are pinned to processors where there
is \`taskset\`.`;
