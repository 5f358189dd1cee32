import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { states } from "./answers.ts";
import type { Grant, GrantPage, Me, State } from "./answers.ts";
import { ask, useAsk } from "./ask.ts";
import { Breakable, Empty, Failure, Ghost, ReadingNote, StateBadge, Time } from "./parts.tsx";
import { count, counted, providerWords, stateWords, titleOf, whose } from "./words.ts";

const atOnce = 50;
/** How long after the last key a search is asked for, milliseconds. */
const typingMs = 60;

/** What is looked for, as it stands in the address. */
type Wanted = Readonly<Record<"q" | "state" | "reason" | "provider", string>>;

function wantedIn(query: URLSearchParams): Wanted {
  const of = (name: string): string => query.get(name) ?? "";
  return { q: of("q"), state: of("state"), reason: of("reason"), provider: of("provider") };
}

function addressOf(wanted: Wanted): string {
  const query = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value !== ""));
  return query.size === 0 ? "#/grants" : `#/grants?${query.toString()}`;
}

export function GrantsView({ query, me }: { readonly query: URLSearchParams; readonly me: Me }): JSX.Element {
  const wanted = wantedIn(query);
  const asked = new URLSearchParams({
    ...Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== "")),
    limit: String(atOnce),
  });
  const path = `/grants?${asked.toString()}`;
  const { data, error, isLoading, again } = useAsk<GrantPage>(path, 15_000);
  const [more, setMore] = useState<{ readonly path: string; readonly pages: readonly GrantPage[] }>({
    path,
    pages: [],
  });
  const pages = more.path === path ? more.pages : [];
  const grants = useMemo(
    () => unique([...(data?.grants ?? []), ...pages.flatMap((page) => page.grants)]),
    [data, pages],
  );
  const next = (pages.at(-1) ?? data)?.next;
  const change = (part: Partial<Wanted>): void => location.replace(addressOf({ ...wanted, ...part }));
  const showMore = async (): Promise<void> => {
    const page = await ask<GrantPage>(`${path}&after=${next ?? 0}`);
    setMore({ path, pages: [...pages, page] });
  };
  return (
    <>
      <h1>Grants</h1>
      <Search text={wanted.q} onChange={(q) => change({ q })} />
      <Filters wanted={wanted} data={data} me={me} change={change} />
      <p class="found" role="status" aria-live="polite" aria-busy={isLoading}>
        {data === undefined || isLoading
          ? "Looking…"
          : `${counted(data.total, "grant")}${isNarrowed(wanted) ? " found" : ""}`}
      </p>
      {error === undefined ? null : <Failure error={error} again={again} />}
      {data === undefined ? null : <ReadingNote reading={data.reading} />}
      {data === undefined && error === undefined ? <Ghost lines={12} /> : null}
      {data === undefined || grants.length > 0 ? null : <Nothing wanted={wanted} isReading={!data.reading.done} />}
      {grants.length === 0 ? null : <Table grants={grants} />}
      {next === undefined ? null : (
        <p class="more">
          <button class="button" type="button" onClick={() => void showMore()}>
            Show {Math.min(atOnce, (data?.total ?? 0) - grants.length)} more
          </button>
          <span class="soft">
            {count(grants.length)} of {count(data?.total ?? 0)}
          </span>
        </p>
      )}
    </>
  );
}

function unique(grants: readonly Grant[]): readonly Grant[] {
  return [...new Map(grants.map((grant) => [grant.grant_id, grant])).values()];
}

function isNarrowed(wanted: Wanted): boolean {
  return Object.values(wanted).some((value) => value !== "");
}

function Search({ text, onChange }: { readonly text: string; readonly onChange: (text: string) => void }): JSX.Element {
  const [typed, setTyped] = useState(text);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const told = useRef(text);
  useEffect(() => {
    // What we have said ourselves comes back by the address, while the next letter may be typed already.
    if (text !== told.current) setTyped(text);
    told.current = text;
  }, [text]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const type = (value: string): void => {
    setTyped(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      told.current = value.trim();
      onChange(told.current);
    }, typingMs);
  };
  return (
    <div class="search">
      <label class="hidden" for="search">
        Search by external id, account, e-mail address, subject or grant id
      </label>
      <input
        id="search"
        type="search"
        autocomplete="off"
        spellcheck={false}
        placeholder="External id, account, e-mail, subject or g_…"
        value={typed}
        onInput={(event) => type(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") type("");
          if (event.key === "ArrowDown") focusRow(0);
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </div>
  );
}

interface FilterProps {
  readonly wanted: Wanted;
  readonly data: GrantPage | undefined;
  readonly me: Me;
  readonly change: (part: Partial<Wanted>) => void;
}

function Filters({ wanted, data, me, change }: FilterProps): JSX.Element {
  const all = data === undefined ? undefined : Object.values(data.counts).reduce((sum, each) => sum + each, 0);
  const tab = (state: State | "", label: string, number: number | undefined): JSX.Element => (
    <button key={state} type="button" aria-pressed={wanted.state === state} onClick={() => change({ state })}>
      {label} <span class="n">{number === undefined ? "" : count(number)}</span>
    </button>
  );
  return (
    <div class="filters">
      <div class="choice" role="group" aria-label="State">
        {tab("", "All", all)}
        {states.map((state) => tab(state, stateWords[state], data?.counts[state]))}
      </div>
      {me.providers.length > 1 ? (
        <label class="pick">
          <span class="hidden">Provider</span>
          <select value={wanted.provider} onChange={(event) => change({ provider: event.currentTarget.value })}>
            <option value="">Every provider</option>
            {me.providers.map(({ name }) => (
              <option key={name} value={name}>
                {providerWords(name)}
              </option>
            ))}
          </select>
        </label>
      ) : null}
      {wanted.reason === "" ? null : (
        <button class="chip" type="button" onClick={() => change({ reason: "" })}>
          {titleOf(wanted.reason)} <span aria-hidden="true">×</span>
          <span class="hidden">: show other reasons, too</span>
        </button>
      )}
    </div>
  );
}

function Nothing({ wanted, isReading }: { readonly wanted: Wanted; readonly isReading: boolean }): JSX.Element {
  if (isReading) return <Ghost lines={6} />;
  if (!isNarrowed(wanted)) {
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
  return (
    <div class="card">
      <Empty title="Nothing fits">
        <p>A search compares the start of external ids, account labels, e-mail addresses, subjects and grant ids.</p>
        <p>
          <a class="button" href="#/grants">
            Show all grants
          </a>
        </p>
      </Empty>
    </div>
  );
}

/** The links of the rows, for the arrow keys. */
function rowLinks(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("table.grants a")];
}

function focusRow(index: number): void {
  rowLinks()[index]?.focus();
}

function onArrow(event: KeyboardEvent): void {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (step === 0) return;
  const links = rowLinks();
  const at = links.indexOf(document.activeElement as HTMLElement);
  if (at < 0) return;
  event.preventDefault();
  if (at + step < 0) document.getElementById("search")?.focus();
  else links[at + step]?.focus();
}

function Table({ grants }: { readonly grants: readonly Grant[] }): JSX.Element {
  return (
    <table class="card grants" onKeyDown={onArrow}>
      <thead>
        <tr>
          <th scope="col">Whose</th>
          <th scope="col">Provider</th>
          <th scope="col">State</th>
          <th scope="col">Since</th>
          <th scope="col">Refreshed</th>
        </tr>
      </thead>
      <tbody>
        {grants.map((grant) => (
          <Row key={grant.grant_id} grant={grant} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ grant }: { readonly grant: Grant }): JSX.Element {
  const { name, more } = whose(grant);
  return (
    <tr>
      <td class="who">
        <a href={`#/grants/${grant.grant_id}`}>
          <Breakable text={name} />
        </a>
        <span class="soft" title={more}>
          {more}
        </span>
      </td>
      <td>{providerWords(grant.provider)}</td>
      <td class="how">
        <StateBadge state={grant.state} />
        {grant.reason === undefined || grant.reason === grant.state ? null : (
          <span class="soft">{titleOf(grant.reason)}</span>
        )}
      </td>
      <td class="when">
        <Time at={grant.since} isPast />
      </td>
      <td class="when wide-only">
        {grant.last_refresh_at === undefined ? (
          <span class="soft">never</span>
        ) : (
          <Time at={grant.last_refresh_at} isPast />
        )}
      </td>
    </tr>
  );
}
