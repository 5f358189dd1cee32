/** What the processes of a run tell each other. */

export interface WorkerOptions {
  /** `vault`: tokens in a vault, whose keeper is a process; `files`: tokens in JSON files. */
  readonly kind: "vault" | "files";
  /** URL of the MCP server. */
  readonly server: string;
  /** External ids of the people, or paths of their files. */
  readonly people: readonly string[];
  /** `sqlite:PATH` or a PostgreSQL connection string; of the kind `vault`. */
  readonly store: string;
  /** How long an access token lives, seconds. */
  readonly ttl: number;
  readonly seed: number;
}

/** The variable with the master key. */
export const keyVariable = "ONBEHALF_AGENTS_KEY";

export const redirectUri = "http://127.0.0.1:8787/connect/callback";

export type FromWorker =
  | { readonly type: "ready" }
  | { readonly type: "called"; readonly person: number }
  | {
      readonly type: "failed";
      readonly person: number;
      /**
       * `unauthorized`: for want of authorization, so that the person would have to be asked. `late`: two tokens ended on
       * their way to a server that took longer than they had left.
       */
      readonly why: "unauthorized" | "late" | "other";
      readonly what: string;
    };
