import type { KeyObject } from "node:crypto";
import { requestHandler } from "./request-handler.ts";
import { ownClock } from "./state/clock.ts";
import type { StandinClock } from "./state/clock.ts";
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
import { Files } from "./drive/files.ts";
import { Faults, readFault } from "./http/faults.ts";
import type { Fault } from "./http/faults.ts";
import { issueCode } from "./control/issued-code.ts";
import type { CodeSpec } from "./control/issued-code.ts";
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
import { googlesOwn, readSettings } from "./state/settings.ts";
import type { Settings } from "./state/settings.ts";
import type { StandinState } from "./state/standin-state.ts";

/** How to start a stand-in. Every setting can be given here, and changed later. */
export interface StandinOptions extends Partial<Settings> {
  /** Default 0: any free port. */
  port?: number;
  /** Default 127.0.0.1. */
  host?: string;
  /** Where it reads the time; default the machine's. With `advance` in it, moving the stand-in's clock moves this one. */
  clock?: StandinClock;
  /** `iss` of its ID tokens; `self` for its own URL, as clients that discover by URL ask. Default Google's. */
  issuer?: string;
  /**
   * The private RSA key that signs until {@link Standin.rotateKeys}; default one of its own. Making a key takes longer
   * than all the rest of a start, so that tests that start many stand-ins are faster when these share one.
   */
  signingKey?: KeyObject;
}

/** A running stand-in for Google. */
export interface Standin extends AsyncDisposable {
  /** Base of every endpoint, without a slash at the end. */
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly issuer: string;
  /** A code as a phone, a popup or a redirect would get it. */
  code(spec: CodeSpec): string;
  /** The next answers to this method and path go wrong in this way. */
  fault(method: string, path: string, fault: Fault): void;
  /** Forgets the faults that still wait. */
  clearFaults(): void;
  /** Changes provider behaviours; answers with all of them. */
  settings(changes?: Partial<Settings>): Settings;
  /** Moves the stand-in's clock forward. */
  advance(ms: number): void;
  /** The stand-in's time, in milliseconds since the epoch. */
  now(): number;
  /** The person removes the app in the account page; everything of that account ends. */
  revoke(email: string): void;
  /** The person changed the password: refresh tokens that reach Gmail end. */
  changePassword(email: string): void;
  /** Makes a person, or changes one. */
  person(spec: PersonSpec): { sub: string; email: string };
  /** Registers a client, or changes one. */
  client(spec: ClientSpec): ClientView;
  /** The `client_secret_….json` of a client (default: the built-in one), with this stand-in's endpoints. */
  clientSecretFile(clientId?: string): Record<string, unknown>;
  /** A signed Security Event Token, as Cross-Account Protection delivers it. */
  risc(spec: RiscSpec): string;
  /** A new key signs from now on; answers with its `kid`. The last one stays published unless `keepOld` is false. */
  rotateKeys(options?: { keepOld?: boolean }): string;
  /** The requests it answered after entry number `since`. */
  log(since?: number): LogPage;
  /** Stops listening and cuts every connection. */
  close(): Promise<void>;
}

const google = "https://accounts.google.com";

/**
 * Starts a stand-in for Google on a loopback address. It keeps all state in memory.
 *
 * @throws {BadInput} naming the option that is unknown or out of range.
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
    keys,
    files: new Files(clock),
    faults: new Faults(),
    log: new RequestLog(),
  };
  listening.open(requestHandler(state, new Router(routes(state))));
  return controls(state, () => listening.close());
}

function controls(state: StandinState, close: () => Promise<void>): Standin {
  return {
    url: state.url,
    issuer: state.issuer,
    clientId: defaultClientId,
    clientSecret: defaultClientSecret,
    code: (spec) => issueCode(state, spec, "camel").code,
    fault: (method, path, fault) => {
      state.faults.add({ ...readFault(fault, "camel"), method, path });
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
    log: (since) => state.log.page(since),
    close,
    [Symbol.asyncDispose]: close,
  };
}
