import type { Writer } from "./connection.ts";

/** How a SQLite file is worked with. */
export interface SqliteDatabaseOptions {
  /** How long to wait while other processes hold the file's lock, milliseconds. */
  readonly patienceMs: number;
  /** A group that has lasted so long takes no further body, milliseconds. Default: 4. */
  readonly longestGroupMs?: number;
  /** Opens the connection that writes. Default: one in this thread. */
  readonly openWriter?: (path: string) => Writer;
}
