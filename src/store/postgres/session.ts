import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";

/** How often the session checks that its connection still works, milliseconds. */
const heartbeatMs = 10_000;
const firstPauseMs = 100;
const longestPauseMs = 5_000;

export interface SessionWork {
  /** Makes a client that is not connected yet. */
  readonly client: () => Client;
  /** Called on each connection before it counts as established. */
  readonly begin: (client: Client) => Promise<void>;
  /** Called when a notification came, or some may have been missed. */
  readonly hint: () => void;
}

/**
 * One connection straight to the server, idle and kept alive, for what depends on a session: notifications and session
 * locks. When the connection is lost, the session makes a new one. The store works without it, only more slowly.
 */
export class PostgresSession {
  readonly #work: SessionWork;
  readonly #stopping = new AbortController();
  #client: Client | undefined;
  #pooled = false;
  #ended: Promise<void> = Promise.resolve();

  constructor(work: SessionWork) {
    this.#work = work;
  }

  /** The connection, while there is one. */
  get client(): Client | undefined {
    return this.#client;
  }

  /** Whether the connection goes through a pooler: then no session is ours alone, and this one does not begin. */
  get pooled(): boolean {
    return this.#pooled;
  }

  /** Begins. Returns after the first try to connect, whether or not it worked. */
  start(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ended = this.#keep(resolve);
    return promise;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
  }

  async #keep(tried: () => void): Promise<void> {
    const { signal } = this.#stopping;
    for (let pauseMs = firstPauseMs; !signal.aborted && !this.#pooled;) {
      const worked = await this.#connection(tried);
      tried();
      pauseMs = worked ? firstPauseMs : Math.min(2 * pauseMs, longestPauseMs);
      await paused(pauseMs, signal);
    }
  }

  /**
   * Keeps one connection, from its making to its end.
   *
   * @returns whether it ever worked
   */
  async #connection(established: () => void): Promise<boolean> {
    const client = this.#work.client();
    const lost = new AbortController();
    client.on("error", () => lost.abort());
    client.on("end", () => lost.abort());
    client.on("notification", () => this.#work.hint());
    try {
      await client.connect();
      this.#pooled = await isPooled(client);
      if (this.#pooled) return false;
      // The server must not end the session for being idle, but must notice when this host has silently gone.
      await client.query(
        `SET idle_session_timeout = 0; SET statement_timeout = 5000;
         SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3`,
      );
      await this.#work.begin(client);
      this.#client = client;
      established();
      this.#work.hint();
      const over = AbortSignal.any([lost.signal, this.#stopping.signal]);
      while (!over.aborted) {
        await paused(heartbeatMs, over);
        if (!over.aborted) await client.query("SELECT 1");
      }
    } catch {
      // The store's own statements meet the same failure and report it; here the session only tries again.
    } finally {
      await client.end().catch(() => undefined);
    }
    const worked = this.#client === client;
    this.#client = undefined;
    return worked;
  }
}

/** A pooler hands out process ids of its own, which are not those of the server. */
async function isPooled(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  return rows[0]?.pid !== (client as Client & { readonly processID?: number | null }).processID;
}

async function paused(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
