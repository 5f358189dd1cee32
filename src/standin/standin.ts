import type { KeyObject } from "node:crypto";
import { requestHandler } from "./request-handler.ts";
import { ownClock } from "./clock.ts";
import type { StandinClock } from "./clock.ts";
import { DpopMemory } from "./state/dpop-memory.ts";
import { Clients, defaultClientId, defaultClientSecret } from "./state/clients.ts";
import type { ClientSpec } from "./state/clients.ts";
import { Codes } from "./state/codes.ts";
import {
  advanceClock,
  changePassword,
  changeSettings,
  clientSecretFile,
  putClient,
  putPerson,
  removeApp,
  rotateKeys,
} from "./control/control-actions.ts";
import type { ClientView, PersonSpec } from "./control/control-actions.ts";
import { Files } from "./state/drive-files.ts";
import { Faults, readFault, readPlace } from "./http/faults.ts";
import type { Fault } from "./http/faults.ts";
import { issueCode } from "./control/issued-code.ts";
import type { CodeSpec } from "./control/issued-code.ts";
import { whole } from "./input-checks.ts";
import { KeyRing } from "./keys/key-ring.ts";
import { Ledger } from "./state/ledger.ts";
import { People } from "./state/people.ts";
import { RequestLog } from "./state/request-log.ts";
import type { LogPage } from "./state/request-log.ts";
import { securityEvent } from "./control/risc.ts";
import type { RiscSpec } from "./control/risc.ts";
import { Router } from "./http/router.ts";
import { routes } from "./routes.ts";
import { listen } from "./http/server.ts";
import type { Listening } from "./http/server.ts";
import { googlesOwn, readSettings } from "./state/settings.ts";
import type { Settings } from "./state/settings.ts";
import type { StandinState } from "./state/standin-state.ts";

/** How to start a stand-in. Every setting of the provider can be given here, and changed later. */
export interface StandinOptions extends Partial<Settings> {
  /** The port to listen on. Default 0: any free one. */
  port?: number;
  /** The address to listen on. Default 127.0.0.1. */
  host?: string;
  /** The clock that it reads. Default: the machine's. A clock with `advance` is moved together with the stand-in's. */
  clock?: StandinClock;
  /** `iss` of its ID tokens. Default: Google's. `self`: its own URL, for clients that discover an issuer by its URL. */
  issuer?: string;
  /**
   * The private RSA key that signs until {@link Standin.rotateKeys}; default one of its own. Making a key takes longer
   * than all the rest of a start, so that tests that start many stand-ins are faster when these share one.
   */
  signingKey?: KeyObject;
}

/** A running stand-in for Google, with what a test can do to it. */
export interface Standin extends AsyncDisposable {
  /** Base of every endpoint, such as `http://127.0.0.1:4600`, without a slash at the end. */
  readonly url: string;
  /** The built-in web client. */
  readonly clientId: string;
  /** Its secret: the same in every stand-in. */
  readonly clientSecret: string;
  /** `iss` of its ID tokens. */
  readonly issuer: string;
  /**
   * Issues a code as a phone, a popup or a redirect would get it.
   *
   * @throws {BadInput} naming the member that is unknown, missing or wrong
   */
  code(spec: CodeSpec): string;
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
   * Changes how the provider behaves.
   *
   * @returns all settings, after the change
   * @throws {BadInput} naming the member that is unknown or out of range
   */
  settings(changes?: Partial<Settings>): Settings;
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
  /**
   * Does what a person does who changes the password: their refresh tokens with a Gmail scope end.
   *
   * @throws {BadInput} where nobody has this address
   */
  changePassword(email: string): void;
  /**
   * Creates a person, or changes the one with this address.
   *
   * @throws {BadInput} naming the member that is unknown or wrong
   */
  person(spec: PersonSpec): { sub: string; email: string };
  /**
   * Registers a client, or changes the one with this id.
   *
   * @throws {BadInput} naming the member that is unknown or wrong
   */
  client(spec: ClientSpec): ClientView;
  /**
   * The `client_secret_….json` of a client, with this stand-in's endpoints.
   *
   * @param clientId default: the built-in client
   * @throws {BadInput} where no client has this id
   */
  clientSecretFile(clientId?: string): Record<string, unknown>;
  /**
   * Makes a signed Security Event Token, as Cross-Account Protection delivers it. Nothing ends by it: only a JWT comes back.
   *
   * @throws {BadInput} naming the member that is unknown, missing or wrong
   * @see {@link https://developers.google.com/identity/protocols/risc | Google: Cross-Account Protection}
   */
  risc(spec: RiscSpec): string;
  /**
   * Makes a new key that signs from now on. The one before it stays published, unless `keepOld` is false.
   *
   * @returns the `kid` of the new key
   */
  rotateKeys(options?: { keepOld?: boolean }): string;
  /** The requests that it answered after entry number `since`. Default 0: all that are kept. */
  log(since?: number): LogPage;
  /** Stops listening and closes every connection at once. */
  close(): Promise<void>;
  /** Resolves when it no longer listens, whether it was closed or its socket ended by itself. */
  readonly closed: Promise<void>;
}

const google = "https://accounts.google.com";

/**
 * Starts a stand-in for Google on a loopback address. It keeps all state in memory, and forgets it when it closes.
 *
 * @returns the stand-in, once it listens
 * @throws {BadInput} naming the option that is unknown or out of range
 * @throws the system's error, such as `EADDRINUSE`, where host and port cannot be listened on
 */
export async function startStandin(options: StandinOptions = {}): Promise<Standin> {
  const { port = 0, host = "127.0.0.1", clock: base, issuer = google, signingKey, ...behaviours } = options;
  const settings: Settings = { ...googlesOwn, ...readSettings(behaviours, "camel") };
  const clock = ownClock(base);
  const keys = new KeyRing(() => clock.now(), signingKey);
  const listening = await listen(host, port);
  const state: StandinState = {
    clock,
    settings,
    url: listening.url,
    issuer: issuer === "self" ? listening.url : issuer,
    people: new People(),
    clients: new Clients(),
    codes: new Codes(clock, settings),
    ledger: new Ledger(clock, settings),
    dpop: new DpopMemory(clock),
    keys,
    files: new Files(clock),
    faults: new Faults(),
    log: new RequestLog(),
  };
  listening.open(requestHandler(state, new Router(routes(state))));
  return controls(state, listening);
}

function controls(state: StandinState, listening: Listening): Standin {
  const close = (): Promise<void> => listening.close();
  return {
    url: state.url,
    issuer: state.issuer,
    clientId: defaultClientId,
    clientSecret: defaultClientSecret,
    code: (spec) => issueCode(state, spec, "camel").code,
    fault: (method, path, fault) => {
      state.faults.add({ ...readFault(fault, "camel"), ...readPlace({ method, path }, "camel") });
    },
    clearFaults: () => {
      state.faults.clear();
    },
    settings: (changes = {}) => changeSettings(state, changes, "camel"),
    advance: (ms) => {
      advanceClock(state, ms);
    },
    now: () => state.clock.now(),
    revoke: (email) => {
      removeApp(state, { email }, "camel");
    },
    changePassword: (email) => {
      changePassword(state, { email }, "camel");
    },
    person: (spec) => putPerson(state, spec, "camel"),
    client: (spec) => putClient(state, spec, "camel"),
    clientSecretFile: (clientId) => clientSecretFile(state, clientId),
    risc: (spec) => securityEvent(state, spec, "camel"),
    rotateKeys: (options = {}) => rotateKeys(state, options, "camel"),
    log: (since = 0) => state.log.page(whole(0)(since, "since")),
    close,
    closed: listening.closed,
    [Symbol.asyncDispose]: close,
  };
}
