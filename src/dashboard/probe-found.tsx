import type { JSX } from "preact";
import type { Grant, Probe } from "./answers.ts";
import { Code, EvidenceItems, Time } from "./parts.tsx";
import { probeWords, sentence, titleOf } from "./words.ts";

interface FoundProps {
  readonly probe: Probe;
  readonly grant: Grant;
}

/** What a look at the provider has found. What the page says of the grant already is not said again. */
export function ProbeFound({ probe, grant }: FoundProps): JSX.Element {
  const { result, reason, fix, not_asked: notAsked, checked_at: checkedAt } = probe;
  const isKnown = (what: string): boolean => grant.evidence?.some((each) => each.what === what) === true;
  const news = probe.evidence.filter(({ what }) => !isKnown(what));
  return (
    <div class={`notice probe ${result}`}>
      {notAsked === undefined ? null : (
        <p>
          <strong>The provider was not asked:</strong>{" "}
          {sentence(notAsked).replace(/^[A-Z]/, (first) => first.toLowerCase())}
        </p>
      )}
      <p>
        <strong>{probeWords[result]}</strong>
        {reason === undefined ? null : (
          <>
            {" "}
            {titleOf(reason)}. <Code text={reason} />
          </>
        )}
      </p>
      {fix === undefined || fix === grant.fix ? null : (
        <p>
          <strong>What to do:</strong> {sentence(fix)}
        </p>
      )}
      {news.length === 0 ? null : (
        <ul class="evidence">
          <EvidenceItems evidence={news} />
        </ul>
      )}
      <p class="soft">
        {notAsked === undefined ? "Found out" : "Known since"} <Time at={checkedAt} />.{" "}
        {notAsked === undefined ? "A grant’s provider is asked once in ten seconds at most." : ""}
      </p>
    </div>
  );
}
