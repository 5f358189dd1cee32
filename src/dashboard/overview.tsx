import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { states } from "./answers.ts";
import type { Cause, Overview } from "./answers.ts";
import { useAsk } from "./ask.ts";
import { RefreshChart } from "./chart.tsx";
import { Code, Empty, Failure, Ghost, ReadingNote, StateBadge, Time } from "./parts.tsx";
import { serviceNow } from "./service-time.ts";
import { StandstillNotice } from "./standstill.tsx";
import {
  atProvider,
  count,
  counted,
  pastAgo,
  providerWords,
  sentence,
  stateMeanings,
  stateWords,
  titleOf,
  whoOf,
} from "./words.ts";

export function OverviewView(): JSX.Element {
  const [hours, setHours] = useState(24);
  const { data, error, again } = useAsk<Overview>(`/overview?hours=${hours}`, 10_000);
  return (
    <>
      <h1>Overview</h1>
      {error === undefined ? null : <Failure error={error} again={again} />}
      {data === undefined ? (
        error === undefined && <Ghost lines={9} />
      ) : (
        <Known data={data} hours={hours} setHours={setHours} />
      )}
    </>
  );
}

interface KnownProps {
  readonly data: Overview;
  readonly hours: number;
  readonly setHours: (hours: number) => void;
}

function Known({ data, hours, setHours }: KnownProps): JSX.Element {
  const { bars } = data.refreshes;
  const isQuiet = bars.every(({ outcomes }) => Object.keys(outcomes).length === 0);
  return (
    <>
      <ReadingNote reading={data.reading} />
      <ul class="tiles">
        {states.map((state) => (
          <li key={state}>
            <a href={`#/grants?state=${state}`} title={stateMeanings[state]}>
              <span class={`dot ${state}`} aria-hidden="true" />
              <span class={`figure ${(data.states[state] ?? 0) === 0 ? "zero" : ""}`}>
                {count(data.states[state] ?? 0)}
              </span>
              <span class="label">{stateWords[state]}</span>
            </a>
          </li>
        ))}
      </ul>
      <section aria-labelledby="attention">
        <h2 id="attention">Wants attention</h2>
        <StandstillNotice still={data.standing_still} />
        {data.standing_still !== undefined && data.attention.length === 0 ? null : <Attention data={data} />}
      </section>
      <section aria-labelledby="refreshes">
        <div class="bar">
          <h2 id="refreshes">Refreshes</h2>
          <div class="choice" role="group" aria-label="Span of time">
            {[24, 168].map((each) => (
              <button key={each} type="button" aria-pressed={each === hours} onClick={() => setHours(each)}>
                {each === 24 ? "24 hours" : "7 days"}
              </button>
            ))}
          </div>
        </div>
        <div class="card">
          {isQuiet ? (
            <Empty title="No refreshes in this time">
              <p>
                An access token is refreshed when somebody asks for it and it is about to end. Each refresh is counted
                here, by how it ended, within ten seconds.
              </p>
            </Empty>
          ) : (
            <RefreshChart bars={bars} barSeconds={data.refreshes.bar_seconds} />
          )}
        </div>
      </section>
    </>
  );
}

function Attention({ data }: { readonly data: Overview }): JSX.Element {
  if (data.attention.length > 0) {
    return (
      <ul class="card rows causes">
        {data.attention.map((cause) => (
          <CauseRow key={`${cause.provider} ${cause.state} ${cause.reason}`} cause={cause} />
        ))}
      </ul>
    );
  }
  if (data.grants > 0) {
    return (
      <div class="card">
        <Empty title="Nothing does">
          <p>Every grant that is not ended works, as far as its last refresh has shown.</p>
        </Empty>
      </div>
    );
  }
  return (
    <div class="card">
      <Empty title="There are no grants yet">
        <p>
          A grant comes with the first person who consents: by <code>POST /authcode</code> from the app, by a connect
          link, or by a deposited refresh token.
        </p>
      </Empty>
    </div>
  );
}

function CauseRow({ cause }: { readonly cause: Cause }): JSX.Element {
  const { provider, state, reason, depends_on: dependsOn, grants, first_at: first, last_at: last } = cause;
  const query = new URLSearchParams({ state, provider, ...(reason === state ? {} : { reason }) });
  return (
    <li>
      <a href={`#/grants?${query.toString()}`}>
        <span class="grow">
          <span class="name">
            {titleOf(reason)} <Code text={reason} />
          </span>
          <span>{sentence(cause.means ?? stateMeanings[state])}</span>
          {cause.fix === undefined ? null : (
            <span>
              <strong>What to do:</strong> {sentence(atProvider(cause.fix, provider))}
            </span>
          )}
          <span class="soft">
            <StateBadge state={state} /> {providerWords(provider)}
            {dependsOn === undefined ? "" : ` · depends on ${atProvider(whoOf(reason) ?? dependsOn, provider)}`} ·{" "}
            <Time at={last} isPast />
            {pastAgo(first, serviceNow()) === pastAgo(last, serviceNow()) ? null : (
              <>
                , first <Time at={first} isPast />
              </>
            )}
          </span>
        </span>
        <span class="sum">
          <span class="go">{counted(grants, "grant")}</span> <span aria-hidden="true">→</span>
        </span>
      </a>
    </li>
  );
}
