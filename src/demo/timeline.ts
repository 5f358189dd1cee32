import type { Clock, VaultEvent } from "../index.ts";
import type { LogEntry } from "../standin/index.ts";

/** One thing that happened, as the page shows it. */
export interface TimelineEntry {
  readonly seq: number;
  /** By the demo's clock, ISO 8601. */
  readonly at: string;
  readonly from: "phone" | "server" | "vault" | "person" | "demo";
  readonly to?: "google" | "server";
  readonly what: string;
  /** The parameters that were sent, each as `name=value`. Secrets are shortened. */
  readonly with: readonly string[];
  readonly status?: number;
  readonly outcome?: string;
}

/** How many entries are kept. */
const kept = 1_000;

/** All requests to the stand-in, and the events of the vault, in the order they happened. */
export class Timeline {
  readonly #clock: Clock;
  readonly #requests: (since: number) => readonly LogEntry[];
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
    this.#add({ at: new Date(this.#clock.now()).toISOString(), ...entry });
  }

  /** Adds an event of the vault. */
  happened({ type, ...rest }: VaultEvent): void {
    const told = Object.entries(rest)
      .filter(([name]) => name !== "grantId" && name !== "provider")
      .map(([name, value]) => `${name}=${String(value)}`);
    this.note({ from: "vault", what: type.replaceAll("_", " "), with: told });
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
      if (isShown(request)) this.#add(fromRequest(request));
    }
  }

  #add(entry: Omit<TimelineEntry, "seq">): void {
    this.#entries.push({ seq: (this.#seq += 1), ...entry });
    if (this.#entries.length > kept * 1.2) this.#entries = this.#entries.slice(-kept);
  }
}

/** Pictures, styles and scripts are left out: they do not help to follow a sign-in. */
function isShown({ path }: LogEntry): boolean {
  return !/^\/(?:gsi|pages|picture)\//.test(path) && path !== "/favicon.ico";
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

function fromRequest({ at, method, path, parameters, status, outcome }: LogEntry): Omit<TimelineEntry, "seq"> {
  const bySignIn = /^\/(?:o\/oauth2\/(?:v2\/)?auth|signin\/)/.test(path);
  return {
    at,
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
  };
}
