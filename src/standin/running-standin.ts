import { advanceClock, removeApp } from "./control/shared-actions.ts";
import { readFault, readPlace } from "./http/faults.ts";
import type { Fault } from "./http/faults.ts";
import type { Listening } from "./http/server.ts";
import { whole } from "./input-checks.ts";
import type { LogPage } from "./state/request-log.ts";
import type { StandinState } from "./state/standin-state.ts";

/** A running stand-in of any kind, with what a test can do to each. */
export interface RunningStandin extends AsyncDisposable {
  /** Base of every endpoint, such as `http://127.0.0.1:4600`, without a slash at the end. */
  readonly url: string;
  /** The built-in client. */
  readonly clientId: string;
  /** Its secret: the same in every stand-in. */
  readonly clientSecret: string;
  /** Who issues its tokens: `iss`. */
  readonly issuer: string;
  /**
   * Makes the next answers to this method and path go wrong.
   *
   * @param path a path of the stand-in; a `*` at the end stands for any rest
   * @throws {BadInput} naming the member that is unknown or wrong
   */
  fault(method: string, path: string, fault: Fault): void;
  /** Removes the faults that have not met a request yet. */
  clearFaults(): void;
  /**
   * Moves the stand-in's clock forward.
   *
   * @param ms milliseconds, 0 or more
   * @throws {BadInput} where `ms` is not such a number
   */
  advance(ms: number): void;
  /** The stand-in's time, milliseconds since the epoch. */
  now(): number;
  /**
   * Does what a person does who removes every app on the account page: all their tokens end.
   *
   * @throws {BadInput} where nobody has this address
   */
  revoke(email: string): void;
  /** The requests that it answered after entry number `since`. Default 0: all that are kept. */
  log(since?: number): LogPage;
  /** Stops listening and closes every connection at once. */
  close(): Promise<void>;
  /** Resolves when it no longer listens, whether it was closed or its socket ended by itself. */
  readonly closed: Promise<void>;
}

/** The part of a running stand-in that is the same in every kind. */
export function runningStandin(
  state: StandinState,
  listening: Listening,
  client: Pick<RunningStandin, "clientId" | "clientSecret">,
): RunningStandin {
  const close = (): Promise<void> => listening.close();
  return {
    url: state.url,
    issuer: state.issuer,
    ...client,
    fault: (method, path, fault) => {
      state.faults.add({ ...readFault(fault, "camel"), ...readPlace({ method, path }, "camel") });
    },
    clearFaults: () => {
      state.faults.clear();
    },
    advance: (ms) => {
      advanceClock(state, ms);
    },
    now: () => state.clock.now(),
    revoke: (email) => {
      removeApp(state, { email }, "camel");
    },
    log: (since = 0) => state.log.page(whole(0)(since, "since")),
    close,
    closed: listening.closed,
    [Symbol.asyncDispose]: close,
  };
}
