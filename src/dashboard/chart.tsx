/** How refreshes have gone: a bar for each span of time, drawn here. Two hundred rectangles need no library. */
import type { JSX } from "preact";
import type { Bar } from "./answers.ts";
import { count, counted, day, exactly, hour, outcomeOrder, outcomeWords } from "./words.ts";

const height = 120;
const step = 12;

interface ChartProps {
  readonly bars: readonly Bar[];
  /** What a bar counts, seconds. */
  readonly barSeconds: number;
}

export function RefreshChart({ bars, barSeconds }: ChartProps): JSX.Element {
  const kinds = occurring(bars);
  const top = roundUp(Math.max(...bars.map(sumOf)));
  const total = (kind: string): number => bars.reduce((sum, { outcomes }) => sum + (outcomes[kind] ?? 0), 0);
  const width = bars.length * step;
  return (
    <figure class="chart">
      <div class="scale" aria-hidden="true">
        <span>{count(top)}</span>
        {top % 2 === 0 ? <span>{count(top / 2)}</span> : null}
        <span>0</span>
      </div>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={summary(bars, kinds, total)}
      >
        {[0.5, height / 2, height - 0.5].map((y) => (
          <line key={y} class="rule" x1="0" x2={width} y1={y} y2={y} />
        ))}
        {bars.map((bar, n) => (
          <Column key={bar.at} bar={bar} x={n * step} kinds={kinds} top={top} />
        ))}
      </svg>
      <div class="ticks" aria-hidden="true">
        {ticks(bars, barSeconds).map(({ at, text }) => (
          <span key={at} style={{ insetInlineStart: `${(at / bars.length) * 100}%` }}>
            {text}
          </span>
        ))}
      </div>
      <figcaption>
        <ul class="legend">
          {kinds.map((kind) => (
            <li key={kind}>
              <span class={`key ${kind}`} aria-hidden="true" />
              {outcomeWords(kind)} <strong>{count(total(kind))}</strong>
            </li>
          ))}
          <li class="soft">Each bar: {barSeconds < 3_600 ? "half an hour" : `${barSeconds / 3_600} hours`}</li>
        </ul>
        <details class="records">
          <summary>The same as a table</summary>
          <Figures bars={bars} kinds={kinds} />
        </details>
      </figcaption>
    </figure>
  );
}

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

/** The next number that is read at a glance, such as 1, 2, 4, 10, 60, 200. */
function roundUp(most: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, most)));
  return [1, 2, 4, 6, 8, 10].map((each) => each * power).find((each) => each >= most) ?? 1;
}

/** Where the axis has a word: every six hours of a day, every day of a week, as the clock on the wall counts. */
function ticks(bars: readonly Bar[], barSeconds: number): readonly { readonly at: number; readonly text: string }[] {
  const isDay = barSeconds < 3_600;
  const part = (at: string | undefined): string => {
    if (at === undefined) return "";
    const time = new Date(at);
    return isDay ? String(Math.floor(time.getHours() / 6)) : String(time.getDate());
  };
  return bars.flatMap(({ at }, n) =>
    n === 0 || part(at) === part(bars[n - 1]?.at) ? [] : [{ at: n, text: isDay ? hour(at) : day(at) }],
  );
}

interface ColumnProps {
  readonly bar: Bar;
  readonly x: number;
  readonly kinds: readonly string[];
  readonly top: number;
}

function Column({ bar, x, kinds, top }: ColumnProps): JSX.Element {
  let y = height;
  const said = kinds.filter((kind) => (bar.outcomes[kind] ?? 0) > 0);
  return (
    <g>
      <title>{`${exactly(bar.at)}: ${said.length === 0 ? "none" : said.map((kind) => `${outcomeWords(kind)} ${count(bar.outcomes[kind] ?? 0)}`).join(", ")}`}</title>
      <rect class="hit" x={x} y="0" width={step} height={height} />
      {said.map((kind) => {
        // A single failure among thousands must be seen.
        const high = Math.max(2, ((bar.outcomes[kind] ?? 0) / top) * height);
        y -= high;
        return <rect key={kind} class={`part ${kind}`} x={x + 1} y={y} width={step - 2} height={high} />;
      })}
    </g>
  );
}

/** The bars that are not empty, the newest first. */
function Figures({ bars, kinds }: { readonly bars: readonly Bar[]; readonly kinds: readonly string[] }): JSX.Element {
  return (
    <table class="figures">
      <thead>
        <tr>
          <th scope="col">From</th>
          {kinds.map((kind) => (
            <th key={kind} scope="col">
              {outcomeWords(kind)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {bars
          .filter((bar) => sumOf(bar) > 0)
          .toReversed()
          .map(({ at, outcomes }) => (
            <tr key={at}>
              <th scope="row">{exactly(at)}</th>
              {kinds.map((kind) => (
                <td key={kind}>{count(outcomes[kind] ?? 0)}</td>
              ))}
            </tr>
          ))}
      </tbody>
    </table>
  );
}

function summary(bars: readonly Bar[], kinds: readonly string[], total: (kind: string) => number): string {
  if (kinds.length === 0) return "No refreshes in this time.";
  const said = kinds.map((kind) => `${outcomeWords(kind).toLowerCase()} ${count(total(kind))}`).join(", ");
  return `Refreshes in ${counted(bars.length, "span")} since ${exactly(bars[0]?.at ?? "")}: ${said}.`;
}
