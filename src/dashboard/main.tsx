/**
 * dashboard/ is what operators look at: it shows what the service says, in the service's words, and asks it to do things.
 * It decides nothing about grants, and imports nothing of the rest.
 */
import { render } from "preact";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Me } from "./answers.ts";
import { ask, useAsk } from "./ask.ts";
import { Later } from "./later.tsx";
import { Empty, Failure } from "./parts.tsx";
import { setServiceTime } from "./service-time.ts";
import { setProviderTitles, setReasonTitles } from "./words.ts";

const views = [
  ["", "Overview"],
  ["grants", "Grants"],
  ["callers", "Callers"],
  ["operators", "Operators"],
  ["setup", "Set-up"],
] as const;

/** Where in the dashboard the address leads: `#/grants/g_…?state=lapsed`. */
function placeOf(hash: string): { readonly path: readonly string[]; readonly query: URLSearchParams } {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return { path: path.split("/"), query: new URLSearchParams(query) };
}

function usePlace(): ReturnType<typeof placeOf> {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = (): void => setHash(location.hash);
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return placeOf(hash);
}

function App(): JSX.Element {
  const { path, query } = usePlace();
  const { data: me, error, again } = useAsk<Me>("/me", 60_000);
  const [first = "", second = ""] = path;
  if (me !== undefined) {
    setServiceTime(me.now);
    setReasonTitles(me.reasons);
    setProviderTitles(me.providers);
  }
  useEffect(() => {
    const title = views.find(([view]) => view === first)?.[1] ?? "Nothing here";
    // A grant's page says whose it is as soon as it knows.
    document.title = `${title} – Onbehalf`;
    scrollTo(0, 0);
  }, [first, second]);
  useEffect(() => {
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <Head view={first} me={me} />
      <main id="main" tabIndex={-1}>
        {error === undefined ? null : <Failure error={error} again={again} />}
        {me === undefined ? null : <View first={first} second={second} query={query} me={me} />}
      </main>
    </>
  );
}

interface ViewProps {
  readonly first: string;
  readonly second: string;
  readonly query: URLSearchParams;
  readonly me: Me;
}

function View({ first, second, query, me }: ViewProps): JSX.Element {
  if (first === "grants" && second === "") return <Later key="grants" load={grants} query={query} me={me} />;
  if (first === "grants") return <Later key={second} load={grant} grantId={second} me={me} />;
  if (first === "callers") return <Later key={first} load={callers} me={me} />;
  if (first === "operators") return <Later key={first} load={operators} me={me} />;
  if (first === "setup") return <Later key={first} load={setUp} />;
  if (first !== "") return <Nowhere />;
  return <Later key="overview" load={overview} />;
}

// Whoever looks at one view waits for its script, and for no other's.
const grants = async () => (await import("./grants.tsx")).GrantsView;
const grant = async () => (await import("./grant.tsx")).GrantView;
const callers = async () => (await import("./callers.tsx")).CallersView;
const operators = async () => (await import("./operators.tsx")).OperatorsView;
const setUp = async () => (await import("./setup.tsx")).SetUpView;
const overview = async () => (await import("./overview.tsx")).OverviewView;

function Nowhere(): JSX.Element {
  return (
    <>
      <h1>There is nothing here</h1>
      <div class="card">
        <Empty title="The address names no view">
          <p>It may be cut off, or of another version.</p>
          <p>
            <a class="button" href="#/">
              Go to the overview
            </a>
          </p>
        </Empty>
      </div>
    </>
  );
}

function Head({ view, me }: { readonly view: string; readonly me: Me | undefined }): JSX.Element {
  const signOut = async (): Promise<void> => {
    await ask("/me", { method: "DELETE" });
    location.reload();
  };
  return (
    <header class="head">
      <a class="brand" href="#/">
        Onbehalf
      </a>
      <nav aria-label="Views">
        {views.map(([name, title]) => (
          <a key={name} href={`#/${name}`} aria-current={view === name ? "page" : undefined}>
            {title}
          </a>
        ))}
      </nav>
      <span class="who-am-i">
        {me?.role === "reader" ? <span class="chip">read-only</span> : null}
        <button type="button" class="quiet" onClick={() => void signOut()}>
          Sign out
        </button>
      </span>
    </header>
  );
}

function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

/** `/` goes to the search, wherever one is. */
function onKey(event: KeyboardEvent): void {
  const { target } = event;
  const isTyping = target instanceof HTMLElement && /^(?:INPUT|SELECT|TEXTAREA)$/.test(target.tagName);
  if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  if (document.getElementById("search") === null) location.hash = "#/grants";
  focusSearch(100);
}

/** The view with the search is fetched when it is first wanted, which takes as long as the network does. */
function focusSearch(tries: number): void {
  const search = document.getElementById("search");
  if (search !== null) search.focus();
  else if (tries > 0) setTimeout(() => focusSearch(tries - 1), 50);
}

const root = document.getElementById("app");
if (root !== null) render(<App />, root);
