/** Small things that several views show. */
import { Fragment } from "preact";
import type { ComponentChildren, JSX } from "preact";
import type { Grant, Reading, State } from "./answers.ts";
import type { Refusal } from "./ask.ts";
import { serviceNow } from "./service-time.ts";
import { ago, count, exactly, pastAgo, sentence, stateMeanings, stateWords } from "./words.ts";

interface TimeProps {
  readonly at: string;
  /** It is the time of something that has happened, whatever this page's clock says. */
  readonly isPast?: boolean;
}

/** A time as people say it; the exact one on hover and to screen readers. */
export function Time({ at, isPast = false }: TimeProps): JSX.Element {
  return (
    <time dateTime={at} title={exactly(at)}>
      {isPast ? pastAgo(at, serviceNow()) : ago(at, serviceNow())}
    </time>
  );
}

/** A long name that breaks after its points and strokes, rather than within a word. */
export function Breakable({ text }: { readonly text: string }): JSX.Element {
  return (
    <>
      {text.split(/(?<=[-./@:|,;=?&])(?=\w)/).map((part, n) => (
        <Fragment key={n}>
          {n === 0 ? null : <wbr />}
          {part}
        </Fragment>
      ))}
    </>
  );
}

/** The service's own word for something that is named in plain words beside it: to search for. */
export function Code({ text }: { readonly text: string }): JSX.Element {
  return <code class="code soft">{text}</code>;
}

/** What speaks for something, each piece with its time. */
export function EvidenceItems({ evidence }: { readonly evidence: NonNullable<Grant["evidence"]> }): JSX.Element {
  return (
    <>
      {evidence.map(({ at, what }) => (
        <li key={`${at} ${what}`}>
          {sentence(what)}{" "}
          <span class="soft">
            <Time at={at} />
          </span>
        </li>
      ))}
    </>
  );
}

export function StateBadge({ state }: { readonly state: State }): JSX.Element {
  return (
    <span class={`badge ${state}`} title={stateMeanings[state]}>
      {stateWords[state]}
    </span>
  );
}

/** What is wrong and what to do, where the service refused. */
export function Failure({ error, again }: { readonly error: Refusal; readonly again?: () => void }): JSX.Element {
  return (
    <div class="notice bad" role="alert">
      <p>
        <strong>{sentence(error.message)}</strong>
      </p>
      <p>{sentence(error.hint)}</p>
      {again === undefined ? null : (
        <button class="button" type="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

export function Empty({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <div class="empty">
      <p class="lead">{title}</p>
      {children}
    </div>
  );
}

/** That not all grants are known yet, or never will be. */
export function ReadingNote({ reading }: { readonly reading: Reading }): JSX.Element | null {
  if (reading.done) return null;
  return (
    <p class="notice" role="status">
      {reading.full
        ? `There are more grants than the dashboard reads: it knows ${count(reading.known)} of them. The command line finds the others.`
        : `Reading the grants: ${count(reading.known)} so far. What you see grows until all are read.`}
    </p>
  );
}

/** Lines of grey in the place of what comes, as high as what comes. */
export function Ghost({ lines }: { readonly lines: number }): JSX.Element {
  return (
    <div class="ghost" aria-hidden="true">
      {Array.from({ length: lines }, (_, n) => (
        <span key={n} />
      ))}
    </div>
  );
}
