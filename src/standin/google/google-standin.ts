import type { KeyObject } from "node:crypto";
import { requestHandler } from "../request-handler.ts";
import { ownClock } from "../clock.ts";
import type { StandinClock } from "../clock.ts";
import { DpopMemory } from "./state/dpop-memory.ts";
import { Clients, defaultClientId, defaultClientSecret } from "./state/clients.ts";
import type { ClientSpec } from "./state/clients.ts";
import {
  changePassword,
  changeSettings,
  clientSecretFile,
  putClient,
  putPerson,
  rotateKeys,
} from "./control/control-actions.ts";
import type { ClientView, PersonSpec } from "./control/control-actions.ts";
import { Files } from "./state/drive-files.ts";
import { Faults } from "../http/faults.ts";
import { issueCode } from "./control/issued-code.ts";
import type { CodeSpec } from "./control/issued-code.ts";
import { KeyRing } from "../state/key-ring.ts";
import { googleTokenRules } from "./state/token-rules.ts";
import { Ledger } from "../state/ledger.ts";
import { OneTimeCodes } from "../state/one-time-codes.ts";
import { newCode } from "./state/opaque-values.ts";
import { People } from "../state/people.ts";
import { RequestLog } from "../state/request-log.ts";
import { RiscStream } from "./state/risc-stream.ts";
import { securityEvent } from "./control/risc.ts";
import type { RiscSpec } from "./control/risc.ts";
import { Router } from "../http/router.ts";
import { routes } from "./routes.ts";
import { runningStandin } from "../running-standin.ts";
import type { RunningStandin } from "../running-standin.ts";
import { googleWording } from "./pages/wording.ts";
import { listen } from "../http/server.ts";
import { googlesOwn, readSettings } from "./state/settings.ts";
import type { Settings } from "./state/settings.ts";
import type { GoogleState } from "./state/google-state.ts";

/** How to start a stand-in for Google. Every setting of the provider can be given here, and changed later. */
export interface StandinOptions extends Partial<Settings> {
  /** Default. */
  kind?: "google";
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
export interface Standin extends RunningStandin {
  /**
   * Issues a code as a phone, a popup or a redirect would get it.
   *
   * @throws {BadInput} naming the member that is unknown, missing or wrong
   */
  code(spec: CodeSpec): string;
  /**
   * Changes how the provider behaves.
   *
   * @returns all settings, after the change
   * @throws {BadInput} naming the member that is unknown or out of range
   */
  settings(changes?: Partial<Settings>): Settings;
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
}

const google = "https://accounts.google.com";

/**
 * Starts the kind `google`.
 *
 * @throws {BadInput} naming the option that is unknown or out of range
 * @throws the system's error, such as `EADDRINUSE`, where host and port cannot be listened on
 */
export async function startGoogle(options: StandinOptions): Promise<Standin> {
  const { kind: _, port = 0, host = "127.0.0.1", clock: base, issuer = google, signingKey, ...behaviours } = options;
  const settings: Settings = { ...googlesOwn, ...readSettings(behaviours, "camel") };
  const clock = ownClock(base);
  const keys = new KeyRing(() => clock.now(), signingKey);
  const clients = new Clients();
  const risc = new RiscStream();
  const listening = await listen(host, port);
  const state: GoogleState = {
    clock,
    settings,
    url: listening.url,
    issuer: issuer === "self" ? listening.url : issuer,
    people: new People(),
    clients,
    wording: googleWording(clients),
    codes: new OneTimeCodes(clock, newCode, () => settings.codeTtlSeconds),
    ledger: new Ledger(clock, googleTokenRules(settings)),
    dpop: new DpopMemory(clock),
    keys,
    files: new Files(clock),
    faults: new Faults(),
    log: new RequestLog(),
    risc,
    onRemoved: ({ email }) => {
      if (risc.configuration !== undefined) {
        risc.deliver(securityEvent(state, { type: "tokens-revoked", email }, "camel"));
      }
    },
  };
  listening.open(requestHandler(state, new Router(routes(state))));
  void listening.closed.then(() => {
    risc.close();
  });
  return {
    ...runningStandin(state, listening, { clientId: defaultClientId, clientSecret: defaultClientSecret }),
    code: (spec) => issueCode(state, spec, "camel").code,
    settings: (changes = {}) => changeSettings(state, changes, "camel"),
    changePassword: (email) => {
      changePassword(state, { email }, "camel");
    },
    person: (spec) => putPerson(state, spec, "camel"),
    client: (spec) => putClient(state, spec, "camel"),
    clientSecretFile: (clientId) => clientSecretFile(state, clientId),
    risc: (spec) => securityEvent(state, spec, "camel"),
    rotateKeys: (options = {}) => rotateKeys(state, options, "camel"),
  };
}
