import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { AuditRow, Grant, LifeEvent, Me, WholeGrant } from "./answers.ts";
import { useAsk } from "./ask.ts";
import { Copy } from "./copy.tsx";
import { GrantActs } from "./grant-acts.tsx";
import { Breakable, Code, EvidenceItems, Failure, Ghost, StateBadge, Time } from "./parts.tsx";
import { serviceNow } from "./service-time.ts";
import {
  atProvider,
  by,
  counted,
  date,
  eventWords,
  exactly,
  grantTitle,
  happened,
  providerWords,
  sentence,
  small,
  titleOf,
  whose,
  whoOf,
} from "./words.ts";

export function GrantView({ grantId, me }: { readonly grantId: string; readonly me: Me }): JSX.Element {
  const { data, error, again } = useAsk<WholeGrant>(`/grants/${encodeURIComponent(grantId)}`, 15_000);
  useEffect(() => {
    if (data !== undefined) document.title = grantTitle(data.grant);
  }, [data]);
  return (
    <>
      <p class="up">
        <a href="#/grants">← Grants</a>
      </p>
      {data === undefined ? <h1>{grantId}</h1> : null}
      {error === undefined ? null : <Failure error={error} again={again} />}
      {data === undefined ? (
        error === undefined && <Ghost lines={12} />
      ) : (
        <Known whole={data} isReader={me.role === "reader"} again={again} />
      )}
    </>
  );
}

interface KnownProps {
  readonly whole: WholeGrant;
  readonly isReader: boolean;
  readonly again: () => void;
}

function Known({ whole, isReader, again }: KnownProps): JSX.Element {
  const { grant } = whole;
  const { name, more } = whose(grant);
  return (
    <>
      <header class="title">
        <h1>
          <Breakable text={name} />
        </h1>
        <p class="soft">
          <StateBadge state={grant.state} /> {more} · {providerWords(grant.provider)} · since{" "}
          <time dateTime={grant.since} title={exactly(grant.since)}>
            {date(grant.since)}
          </time>
        </p>
      </header>
      <Why whole={whole} />
      {isReader ? null : <GrantActs whole={whole} again={again} />}
      <div class="columns">
        <div>
          <section aria-labelledby="facts">
            <h2 id="facts">Facts</h2>
            <Facts grant={grant} />
          </section>
          <section aria-labelledby="scopes">
            <h2 id="scopes">Scopes</h2>
            <Scopes whole={whole} />
          </section>
          {whole.ends_with_it.length === 0 ? null : (
            <section aria-labelledby="ends">
              <h2 id="ends">Ends with it</h2>
              <ul class="card rows">
                {whole.ends_with_it.map((each) => (
                  <li key={each.grant_id}>
                    <a href={`#/grants/${each.grant_id}`}>
                      <span class="grow">{whose(each).name}</span> <StateBadge state={each.state} />
                    </a>
                  </li>
                ))}
              </ul>
            </section>
          )}
        </div>
        <section aria-labelledby="life" class="lived">
          <h2 id="life">What happened to it</h2>
          <Life events={whole.life} provider={grant.provider} />
          <Records rows={whole.records} isCut={whole.records_are_cut} />
        </section>
      </div>
    </>
  );
}

/** Why it is not well, who can mend that, and how. */
function Why({ whole: { grant, is_configured: isConfigured } }: { readonly whole: WholeGrant }): JSX.Element | null {
  const { reason, means, certainty, evidence = [], depends_on: dependsOn, last_error: lastError } = grant;
  const { causes = [], also = [] } = grant;
  if (reason === undefined && lastError === undefined && isConfigured) return null;
  const who = whoOf(reason) ?? dependsOn;
  return (
    <section class={`card why ${grant.state === "lapsed" ? "bad" : ""}`} aria-labelledby="why">
      <h2 id="why">
        {reason === undefined ? (isConfigured ? "The last refresh failed" : "Another client’s grant") : titleOf(reason)}
      </h2>
      {reason === undefined ? null : (
        <p class="soft">
          <Code text={reason} />
          {certainty === "likely" ? " · likely, and not certain" : ""}
        </p>
      )}
      {means === undefined ? null : <p>{sentence(means)}</p>}
      <WhatToDo grant={grant} />
      {who === undefined ? null : <p class="soft">Who has to act first: {atProvider(who, grant.provider)}.</p>}
      {isConfigured ? null : (
        <p>
          It belongs to a client that this service is not configured with, so it is neither refreshed nor handed out.
        </p>
      )}
      <ul class="evidence">
        <EvidenceItems evidence={evidence} />
        {evidence.length > 0 || lastError === undefined ? null : (
          <li>
            The provider’s word at the last refresh: <code>{lastError.error}</code>{" "}
            <span class="soft">
              (<Time at={lastError.at} isPast />)
            </span>
          </li>
        )}
      </ul>
      {causes.length === 0 ? null : (
        <details class="records">
          <summary>What it may be, the likeliest first</summary>
          <ul class="evidence">
            {causes.map(({ reason: may, certainty: sure, tell_by: tellBy }) => (
              <li key={may}>
                <strong>{titleOf(may)}</strong> <span class="soft">{sure}</span> <Code text={may} />
                <br />
                {sentence(tellBy)}
              </li>
            ))}
          </ul>
        </details>
      )}
      {also.map(({ reason: other, fix: its }) => (
        <p key={other}>
          <strong>Also: {small(titleOf(other))}.</strong> {sentence(atProvider(its, grant.provider))}
        </p>
      ))}
    </section>
  );
}

/** What to do: in its order, where somebody has to act before somebody else. */
function WhatToDo({ grant: { provider, fix, steps = [] } }: { readonly grant: Grant }): JSX.Element | null {
  if (fix === undefined) return null;
  if (steps.length < 2) {
    return (
      <p>
        <strong>What to do:</strong> {sentence(atProvider(fix, provider))}
      </p>
    );
  }
  return (
    <>
      <p>
        <strong>What to do, in this order:</strong>
      </p>
      <ol class="steps">
        {steps.map(({ what }) => (
          <li key={what}>{sentence(atProvider(what, provider))}</li>
        ))}
      </ol>
    </>
  );
}

function Facts({ grant }: { readonly grant: Grant }): JSX.Element {
  const time = (at: string | undefined, otherwise: string): JSX.Element =>
    at === undefined ? <>{otherwise}</> : <Time at={at} />;
  const past = (at: string | undefined, otherwise: string): JSX.Element =>
    at === undefined ? <>{otherwise}</> : <Time at={at} isPast />;
  const ends = (what: string, at: string | undefined): string =>
    `${what} ${at !== undefined && Date.parse(at) <= serviceNow() ? "ended" : "ends"}`;
  const facts: readonly (readonly [string, JSX.Element | string])[] = [
    ...grant.external_ids.map(
      ({ external_id: id, account }) =>
        ["External id", <Breakable text={`${id}${account === grant.subject ? "" : ` (${account})`}`} />] as const,
    ),
    ["Subject", <Copy text={grant.subject ?? ""} />],
    ...(grant.email === undefined ? [] : [["E-mail", <Breakable text={grant.email} />] as const]),
    ["Grant id", <Copy text={grant.grant_id} />],
    ["Issuer", grant.issuer ?? ""],
    ["Client", <Copy text={grant.client_id ?? ""} />],
    ["Refresh token", grant.offline === true ? "held" : "none is held"],
    ["Stored", past(grant.created_at, "")],
    ["Last refresh", past(grant.last_refresh_at, "never")],
    [
      ends("Access token", grant.access_expires_at),
      time(
        grant.access_expires_at,
        grant.access_token_end_known === false ? "not known: the provider did not say" : "none is held",
      ),
    ],
    [ends("Consent", grant.reauthorize_before), time(grant.reauthorize_before, "not known: the provider named no day")],
  ];
  return (
    <dl class="card facts">
      {facts.map(([label, value], n) => (
        <div key={`${label} ${n}`}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Scopes({ whole }: { readonly whole: WholeGrant }): JSX.Element {
  const granted = (whole.grant.scope ?? "").split(" ").filter((each) => each !== "");
  const lost = whole.grant.missing_scopes ?? [];
  const asked = (whole.requested_scope ?? "")
    .split(" ")
    .filter((each) => each !== "" && !granted.includes(each) && !lost.includes(each));
  const item = (scope: string, is: string, words: string): JSX.Element => (
    <li key={scope} class={is}>
      <code>
        <Breakable text={scope} />
      </code>{" "}
      <span class="soft">{words}</span>
    </li>
  );
  return (
    <ul class="card scopes">
      {granted.map((scope) => item(scope, "yes", "granted"))}
      {lost.map((scope) => item(scope, "no", "granted once, and not any more"))}
      {asked.map((scope) => item(scope, "no", "usually asked for, not granted"))}
      {granted.length + lost.length + asked.length === 0 ? <li class="soft">None</li> : null}
    </ul>
  );
}

interface LifeProps {
  readonly events: readonly LifeEvent[];
  readonly provider: string;
}

function Life({ events, provider }: LifeProps): JSX.Element {
  if (events.length === 0)
    return <p class="card soft">Nothing happened to it in the time for which events are kept.</p>;
  return (
    <ol class="card life">
      {events.map((event) => (
        <li key={event.id} class={event.type.replaceAll(".", "-")}>
          <span class="name">{eventWords(event)}</span>
          {event.fix === undefined || event.type === "grant.revoked" ? null : (
            <span>{sentence(atProvider(event.fix, provider))}</span>
          )}
          {event.gained === undefined ? null : <span class="soft">gained {event.gained.join(" ")}</span>}
          {event.lost === undefined ? null : <span class="soft">lost {event.lost.join(" ")}</span>}
          <span class="soft">
            {event.error === undefined ? "" : `${event.error} · `}
            {event.was === undefined ? "" : `was ${event.was} · `}
            <Time at={event.at} isPast />
          </span>
        </li>
      ))}
    </ol>
  );
}

/** Who did what, beside what happened. */
function Records({ rows, isCut }: { readonly rows: readonly AuditRow[]; readonly isCut: boolean }): JSX.Element {
  return (
    <details class="records">
      <summary>{isCut ? `The last ${rows.length} rows` : counted(rows.length, "row")} in the audit log</summary>
      <ol class="card life">
        {rows.map((row) => (
          <li key={row.seq} class={row.action.replaceAll(".", "-")}>
            <span class="name">{happened(row)}</span>
            <span class="soft">
              {row.detail === undefined || isTime(row.detail) ? "" : `${row.detail} · `}
              {by(row)} · <Time at={row.at} isPast />
            </span>
          </li>
        ))}
      </ol>
      {isCut ? (
        <p class="soft">
          All of it: <code>onbehalf audit list --grant {"…"}</code>
        </p>
      ) : null}
    </details>
  );
}

/** Of a token that was handed out, the detail is when it ends. The row's own time says more. */
function isTime(detail: string): boolean {
  return /^\d{4}-\d\d-\d\dT/.test(detail);
}
