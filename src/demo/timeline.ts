import type { Clock, VaultEvent } from "../index.ts";
import type { LogEntry } from "../standin/index.ts";
import type { ReadersOutcome } from "./readers.ts";

/** One thing that happened, as the page shows it. */
export interface TimelineEntry {
  readonly seq: number;
  /** By the demo's clock, ISO 8601. */
  readonly at: string;
  /** What it is: by this, and never by its words, the page reads which act of the story it belongs to. */
  readonly kind: "request" | "event" | "call" | "refused" | "authcode" | "clock" | "readers" | "readers_served";
  readonly from: "phone" | "server" | "vault" | "person" | "demo" | "program";
  readonly to?: "google" | "server";
  readonly what: string;
  /** The parameters that were sent, each as `name=value`. Secrets are shortened. */
  readonly with: readonly string[];
  readonly status?: number;
  readonly outcome?: string;
  /** The e-mail address of the person whose authorization a request to the stand-in was about. */
  readonly who?: string;
  /** The type of an event of the vault, and the grant that it happened to. */
  readonly event?: string;
  readonly grant_id?: string;
  /** How many calls of a program with this route and status. */
  readonly times?: number;
  /** How far the clock was moved. */
  readonly seconds?: number;
  /** What the readers got. */
  readonly readers?: ReadersOutcome;
}

/** How many entries are kept. */
const kept = 1_000;

/** All requests to the stand-in, calls of programs, and events of the vault, in the order they happened. */
export class Timeline {
  /** The e-mail addresses of those who signed in while this demo has run, whichever process exchanged their code. */
  readonly signedIn: Set<string> = new Set<string>();
  readonly #clock: Clock;
  readonly #requests: (since: number) => readonly LogEntry[];
  readonly #calls = new Map<string, { readonly route: string; readonly status: number; times: number }>();
  #entries: TimelineEntry[] = [];
  #seq = 0;
  #seen = 0;

  /** @param requests those that the stand-in answered after number `since` */
  constructor(clock: Clock, requests: (since: number) => readonly LogEntry[]) {
    this.#clock = clock;
    this.#requests = requests;
  }

  /** Adds what a person or the phone did, where no request to the stand-in shows it. */
  note(entry: Omit<TimelineEntry, "seq" | "at">): void {
    this.#catchUp();
    this.#addNow(entry);
  }

  /** Adds an event of the vault. */
  happened({ type, ...rest }: VaultEvent): void {
    const told = Object.entries(rest)
      .filter(([name, value]) => name !== "grantId" && name !== "provider" && String(value) !== "")
      .map(([name, value]) => `${name}=${String(value)}`);
    const about = "grantId" in rest && rest.grantId !== undefined ? { grant_id: rest.grantId } : {};
    this.note({
      kind: "event",
      from: "vault",
      what: type.replaceAll("_", " "),
      with: told,
      event: type,
      ...about,
    });
  }

  /** Adds that the clock was moved, by the page or by a command. */
  clockMoved(ms: number): void {
    const seconds = Math.round(ms / 1_000);
    const what = `the clock moves forward by ${seconds.toLocaleString("en")} s`;
    this.note({ kind: "clock", from: "demo", what, with: [], seconds });
  }

  /** Adds what readers got who asked at once. */
  readersServed(readers: ReadersOutcome): void {
    const what = `${readers.served} of ${readers.readers} readers are served`;
    const told = [`tokens=${readers.tokens}`, `refreshes=${readers.refreshes}`];
    this.note({ kind: "readers_served", from: "server", what, with: told, readers });
  }

  /** Adds an error that the vault gave to the server, which a program would act on. */
  refused(code: string, status: number): void {
    this.note({ kind: "refused", from: "vault", to: "server", what: code, with: [], status });
  }

  /** Counts a call of a program that has a caller key. Calls that are alike become one entry: a hundred would hide the rest. */
  called(route: string, status: number): void {
    if (!route.startsWith("/v1/")) return;
    const call = this.#calls.get(`${route} ${status}`) ?? { route, status, times: 0 };
    this.#calls.set(`${route} ${status}`, { ...call, times: call.times + 1 });
  }

  /** The entries after number `since`, oldest first. */
  since(since: number): readonly TimelineEntry[] {
    this.#catchUp();
    const first = this.#entries[0]?.seq ?? 1;
    return this.#entries.slice(Math.max(0, since - first + 1));
  }

  /** Adds the requests that the stand-in answered meanwhile. They come first: the next entry is their result. */
  #catchUp(): void {
    for (const request of this.#requests(this.#seen)) {
      this.#seen = request.seq;
      if (request.outcome === "exchanged" && request.grant !== undefined) this.signedIn.add(request.grant);
      if (isShown(request)) this.#add(fromRequest(request));
    }
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const { route, status, times } of calls) {
      this.#addNow({ kind: "call", from: "program", to: "server", what: route, with: [], status, times });
    }
  }

  #addNow(entry: Omit<TimelineEntry, "seq" | "at">): void {
    this.#add({ at: new Date(this.#clock.now()).toISOString(), ...entry });
  }

  #add(entry: Omit<TimelineEntry, "seq">): void {
    this.#entries.push({ seq: (this.#seq += 1), ...entry });
    if (this.#entries.length > kept * 1.2) this.#entries = this.#entries.slice(-kept);
  }
}

/** Pictures, styles and scripts are left out: they do not help to follow a sign-in. */
function isShown({ path, method }: LogEntry): boolean {
  if (/^\/(?:gsi|pages|picture)\//.test(path) || path === "/favicon.ico") return false;
  return method !== "GET" || !path.startsWith("/account/");
}

/** The parameters that are shown. The others are long and always the same. */
const shownParameters = [
  "grant_type",
  "code",
  "redirect_uri",
  "refresh_token",
  "token",
  "authorization",
  "email",
  "decision",
];

function fromRequest({ at, method, path, parameters, status, outcome, grant }: LogEntry): Omit<TimelineEntry, "seq"> {
  const bySignIn = /^\/(?:o\/oauth2\/(?:v2\/)?auth|signin\/)/.test(path);
  return {
    at,
    kind: "request",
    from: bySignIn ? "phone" : path.startsWith("/account/") ? "person" : "server",
    to: "google",
    what: `${method} ${path}`,
    with: shownParameters.flatMap((name) => {
      const value = parameters[name];
      // A phone's redirect_uri is an empty string that is sent all the same: people look for it, so it is shown.
      if (value === undefined || (bySignIn && name === "redirect_uri")) return [];
      return [name === "authorization" ? value : `${name}=${value === "" ? "(empty)" : value}`];
    }),
    status,
    outcome,
    ...(grant === undefined ? {} : { who: grant }),
  };
}
