import { defined } from "../defined.ts";
import { mediaType } from "../http/messages.ts";
import type { Incoming, Note } from "../http/messages.ts";
import { fingerprint, shortened } from "./shortened.ts";

/** One request that the stand-in answered. Secrets are shortened; `grant_type` and the like are complete. */
export interface LogEntry {
  readonly seq: number;
  /** By the stand-in's clock, ISO 8601. */
  readonly at: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** 0 where a fault closed the connection before a status was sent. */
  readonly status: number;
  /** What happened: `refreshed`, `exchanged`, `reused_token`, `invalid_grant`, `fault`, … */
  readonly outcome: string;
  /** The e-mail address whose authorization it was. */
  readonly grant?: string;
  readonly client_id?: string;
  /** Number of the refresh token family. */
  readonly family?: number;
  /** Generation of the refresh token that was presented. */
  readonly generation?: number;
  /** Start of the SHA-256 of the refresh token that was presented, in hex. */
  readonly refresh_token_fingerprint?: string;
  /** The same of a refresh token that the answer handed out. */
  readonly issued_fingerprint?: string;
  /** Present where a fault delayed, spoiled or cut an answer that the stand-in had acted on. */
  readonly fault?: true;
}

/** Some of the log. */
export interface LogPage {
  /** The oldest first. */
  readonly entries: readonly LogEntry[];
  /** How often each outcome has come since the start. */
  readonly counts: Readonly<Record<string, number>>;
}

const secretNames = new Set([
  "access_token",
  "assertion",
  "client_assertion",
  "client_secret",
  "code",
  "code_verifier",
  "id_token",
  "refresh_token",
  "token",
]);

/** How many entries are kept. The counts include those that were dropped. */
const kept = 50_000;

export class RequestLog {
  #entries: LogEntry[] = [];
  #seq = 0;
  readonly #counts: Record<string, number> = {};

  add(entry: Omit<LogEntry, "seq">): void {
    this.#entries.push({ seq: (this.#seq += 1), ...entry });
    this.#counts[entry.outcome] = (this.#counts[entry.outcome] ?? 0) + 1;
    // Many at once, now and then: dropping one for each request would slow each request down.
    if (this.#entries.length > kept * 1.2) this.#entries = this.#entries.slice(-kept);
  }

  /** What came after entry number `since`. */
  page(since = 0): LogPage {
    const first = this.#entries[0]?.seq ?? 1;
    return { entries: this.#entries.slice(Math.max(0, since - first + 1)), counts: { ...this.#counts } };
  }
}

/** The parts of an entry that come from the request. */
export function requestMembers(
  request: Incoming,
): Pick<LogEntry, "method" | "path" | "parameters"> & Partial<LogEntry> {
  const given = new URLSearchParams(request.query);
  if (mediaType(request.headers) === "application/x-www-form-urlencoded") {
    for (const [name, value] of new URLSearchParams(request.body.toString())) given.append(name, value);
  }
  const parameters: Record<string, string> = {};
  for (const [name, value] of given) {
    parameters[name] =
      secretNames.has(name) || /^(?:ya29\.|1\/\/|4\/0A|GOCSPX-)/.test(value) ? shortened(value) : value;
  }
  const { authorization } = request.headers;
  if (authorization !== undefined) parameters["authorization"] = authorization.replace(/ (.{0,6}).*$/s, " $1…");
  const presented = given.get("refresh_token");
  return defined({
    method: request.method,
    path: request.path,
    parameters,
    refresh_token_fingerprint: presented === null ? undefined : fingerprint(presented),
  });
}

/** The parts of an entry that the reply to it says. */
export function noteMembers(note: Note): Pick<LogEntry, "outcome"> & Partial<LogEntry> {
  return defined({
    outcome: note.outcome,
    grant: note.grant,
    client_id: note.clientId,
    family: note.family,
    generation: note.generation,
    issued_fingerprint: note.issued,
  });
}
