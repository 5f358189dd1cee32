/** How refreshes have gone: a bar for each span of time, drawn here. Two hundred rectangles need no library. */
import type { JSX } from "preact";
import type { Bar } from "./answers.ts";
import { count, counted, exactly, hour, outcomeOrder, outcomeWords } from "./words.ts";

const height = 120;
const step = 12;

function sumOf({ outcomes }: Bar): number {
  return Object.values(outcomes).reduce((sum, each) => sum + each, 0);
}

/** The outcomes that occur, the usual one first. */
function occurring(bars: readonly Bar[]): readonly string[] {
  const there = new Set(bars.flatMap(({ outcomes }) => Object.keys(outcomes)));
  return [
    ...outcomeOrder.filter((each) => there.has(each)),
    ...[...there].filter((each) => !outcomeOrder.includes(each)),
  ];
}

export function RefreshChart({ bars }: { readonly bars: readonly Bar[] }): JSX.Element {
  const kinds = occurring(bars);
  const most = Math.max(1, ...bars.map(sumOf));
  const total = (kind: string): number => bars.reduce((sum, { outcomes }) => sum + (outcomes[kind] ?? 0), 0);
  const width = bars.length * step;
  return (
    <figure class="chart">
      <div class="scale" aria-hidden="true">
        <span>{count(most)}</span>
        <span>0</span>
      </div>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={summary(bars, kinds, total)}
      >
        <line class="rule" x1="0" x2={width} y1={height - 0.5} y2={height - 0.5} />
        {bars.map((bar, n) => (
          <Column key={bar.at} bar={bar} x={n * step} kinds={kinds} most={most} />
        ))}
      </svg>
      <div class="span" aria-hidden="true">
        <span>{hour(bars[0]?.at ?? "")}</span>
        <span>{hour(bars[Math.floor(bars.length / 2)]?.at ?? "")}</span>
        <span>now</span>
      </div>
      <figcaption>
        <ul class="legend">
          {kinds.map((kind) => (
            <li key={kind}>
              <span class={`key ${kind}`} aria-hidden="true" />
              {outcomeWords(kind)} <strong>{count(total(kind))}</strong>
            </li>
          ))}
        </ul>
      </figcaption>
    </figure>
  );
}

function Column({
  bar,
  x,
  kinds,
  most,
}: {
  readonly bar: Bar;
  readonly x: number;
  readonly kinds: readonly string[];
  readonly most: number;
}): JSX.Element {
  let top = height;
  const said = kinds.filter((kind) => (bar.outcomes[kind] ?? 0) > 0);
  return (
    <g>
      <title>{`${exactly(bar.at)}: ${said.length === 0 ? "none" : said.map((kind) => `${outcomeWords(kind)} ${count(bar.outcomes[kind] ?? 0)}`).join(", ")}`}</title>
      <rect class="hit" x={x} y="0" width={step} height={height} />
      {said.map((kind) => {
        // A single failure among thousands must be seen.
        const high = Math.max(2, ((bar.outcomes[kind] ?? 0) / most) * (height - 4));
        top -= high;
        return <rect key={kind} class={`part ${kind}`} x={x + 1.5} y={top} width={step - 3} height={high} />;
      })}
    </g>
  );
}

function summary(bars: readonly Bar[], kinds: readonly string[], total: (kind: string) => number): string {
  if (kinds.length === 0) return "No refreshes in this time.";
  const said = kinds.map((kind) => `${outcomeWords(kind).toLowerCase()} ${count(total(kind))}`).join(", ");
  return `Refreshes in ${counted(bars.length, "span")} since ${exactly(bars[0]?.at ?? "")}: ${said}.`;
}
