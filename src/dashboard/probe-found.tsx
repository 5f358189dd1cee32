import type { JSX } from "preact";
import type { Grant, Probe } from "./answers.ts";
import { Code, EvidenceItems, Time } from "./parts.tsx";
import { atProvider, probeWords, sentence, titleOf } from "./words.ts";

interface FoundProps {
  readonly probe: Probe;
  readonly grant: Grant;
}

/** What a look at the provider has found. What the page says of the grant already is not said again. */
export function ProbeFound({ probe, grant }: FoundProps): JSX.Element {
  const { result, reason, fix, not_asked: notAsked, checked_at: checkedAt } = probe;
  const isKnown = (what: string): boolean => grant.evidence?.some((each) => each.what === what) === true;
  const news = probe.evidence.filter(({ what }) => !isKnown(what));
  const isAbove = reason !== undefined && reason === grant.reason && result === "invalid";
  return (
    // One red card is enough: what repeats it, or comes of no look at the provider, is not a second one.
    <div class={`notice probe ${notAsked !== undefined || isAbove ? "quiet-note" : result}`}>
      {notAsked === undefined ? (
        <p>
          <strong>{probeWords[result]}</strong>
          {isAbove ? " The reason is the one above." : null}
        </p>
      ) : (
        <p>
          <strong>The provider was not asked.</strong> {sentence(notAsked)}
          {isAbove ? " What is known is above." : null}
        </p>
      )}
      {reason === undefined || isAbove ? null : (
        <p>
          {titleOf(reason)}. <Code text={reason} />
        </p>
      )}
      {fix === undefined || fix === grant.fix ? null : (
        <p>
          <strong>What to do:</strong> {sentence(atProvider(fix, grant.provider))}
        </p>
      )}
      {news.length === 0 ? null : (
        <ul class="evidence">
          <EvidenceItems evidence={news} />
        </ul>
      )}
      {notAsked === undefined ? (
        <p class="soft">
          Found out <Time at={checkedAt} isPast />. A grant’s provider is asked once in ten seconds at most.
        </p>
      ) : null}
    </div>
  );
}
