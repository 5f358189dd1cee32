import { ownClock } from "../clock.ts";
import type { StandinClock } from "../clock.ts";
import { Faults } from "../http/faults.ts";
import { Router } from "../http/router.ts";
import type { Route } from "../http/router.ts";
import { listen } from "../http/server.ts";
import { requestHandler } from "../request-handler.ts";
import { runningStandin } from "../running-standin.ts";
import type { RunningStandin } from "../running-standin.ts";
import { KeyRing } from "../state/key-ring.ts";
import { Ledger } from "../state/ledger.ts";
import { OneTimeCodes } from "../state/one-time-codes.ts";
import { People } from "../state/people.ts";
import { RequestLog } from "../state/request-log.ts";
import { AssertionMemory } from "./assertion-memory.ts";
import { ClientDocuments } from "./client-documents.ts";
import { Clients, defaultClientId, defaultClientSecret } from "./clients.ts";
import type { ClientChanges } from "./clients.ts";
import { changeSettings, issueCode, putClient, putPerson } from "./control-actions.ts";
import type { OAuth2ClientView, OAuth2CodeSpec, OAuth2PersonSpec } from "./control-actions.ts";
import type { OAuth2State } from "./oauth2-state.ts";
import { oauth2Routes } from "./routes.ts";
import { oauth2Defaults, readOAuth2Settings } from "./settings.ts";
import type { OAuth2Settings } from "./settings.ts";
import { ssfEvent } from "./security-event.ts";
import type { SsfSpec } from "./security-event.ts";
import { SsfTransmitter } from "./ssf-transmitter.ts";
import { newCode, oauth2TokenRules } from "./token-rules.ts";
import { oauth2Wording } from "./wording.ts";

/** How to start a stand-in of the kind `oauth2`. Every setting can be given here, and changed later. */
export interface OAuth2StandinOptions extends Partial<OAuth2Settings> {
  kind: "oauth2";
  /** The port to listen on. Default 0: any free one. */
  port?: number;
  /** The address to listen on. Default 127.0.0.1. */
  host?: string;
  /** The clock that it reads. Default: the machine's. A clock with `advance` is moved together with the stand-in's. */
  clock?: StandinClock;
  /** Its issuer, as metadata and `iss` name it. Default: its own URL. */
  issuer?: string;
}

/** A running stand-in of the kind `oauth2` or `mcp`, with what a test can do to it. */
export interface OAuth2Standin extends RunningStandin {
  /**
   * Issues a code as a redirect would bring it.
   *
   * @throws {BadInput} naming the member that is unknown, missing or wrong
   */
  code(spec: OAuth2CodeSpec): string;
  /**
   * Changes how the provider behaves.
   *
   * @returns all settings, after the change
   * @throws {BadInput} naming the member that is unknown or out of range
   */
  settings(changes?: Partial<OAuth2Settings>): OAuth2Settings;
  /**
   * Registers a client, or changes the one with this id.
   *
   * @throws {BadInput} naming the member that is unknown or wrong
   */
  client(changes: ClientChanges): OAuth2ClientView;
  /**
   * Creates a person, or changes the one with this address.
   *
   * @returns who that is at this provider
   * @throws {BadInput} naming the member that is unknown or wrong
   */
  person(spec: OAuth2PersonSpec): { id: number; login: string; email: string };
  /**
   * A signed Security Event Token, as the transmitter delivers it.
   *
   * @throws {BadInput} naming the member that is unknown, missing or wrong
   * @see {@link https://openid.net/specs/openid-sharedsignals-framework-1_0.html | OpenID Shared Signals Framework 1.0}
   */
  ssf(spec: SsfSpec): string;
}

/** What one of the kinds is made of. */
export interface Kind {
  /** What its pages call it. */
  readonly standIn: string;
  readonly defaults: Readonly<OAuth2Settings>;
  readonly scopes: readonly string[];
  readonly defaultScopes: readonly string[];
  /** Its own resources, given its URL. */
  resources(url: string): readonly string[];
  routes(state: OAuth2State): readonly Route[];
}

const oauth2Kind: Kind = {
  standIn: "Stand-in for an OAuth 2.0 provider",
  defaults: oauth2Defaults,
  scopes: ["profile", "email", "read", "write", "offline_access"],
  defaultScopes: ["profile"],
  resources: () => [],
  routes: oauth2Routes,
};

/**
 * Starts the kind `oauth2`.
 *
 * @throws {BadInput} naming the option that is unknown or out of range
 * @throws the system's error, such as `EADDRINUSE`, where host and port cannot be listened on
 */
export function startOAuth2(options: OAuth2StandinOptions): Promise<OAuth2Standin> {
  return startKind(oauth2Kind, options);
}

/** Starts a stand-in that is made of these parts. */
export async function startKind(
  kind: Kind,
  options: Omit<OAuth2StandinOptions, "kind"> & { readonly kind: string },
): Promise<OAuth2Standin> {
  const { kind: _, port = 0, host = "127.0.0.1", clock: base, issuer, ...behaviours } = options;
  const settings: OAuth2Settings = { ...kind.defaults, ...readOAuth2Settings(behaviours, "camel") };
  const clock = ownClock(base);
  const clients = new Clients();
  const documents = new ClientDocuments(clock);
  const ssf = new SsfTransmitter(new KeyRing(() => clock.now()), defaultClientId);
  const listening = await listen(host, port);
  const state: OAuth2State = {
    clock,
    settings,
    url: listening.url,
    issuer: issuer ?? listening.url,
    wording: oauth2Wording(kind.standIn, clients, documents),
    people: new People(),
    clients,
    documents,
    codes: new OneTimeCodes(clock, newCode, () => settings.codeTtlSeconds),
    ledger: new Ledger(clock, oauth2TokenRules(settings)),
    assertions: new AssertionMemory(clock),
    ssf,
    onRemoved: ({ email }) => {
      if (ssf.stream !== undefined) ssf.deliver(ssfEvent(state, { type: "session-revoked", email }, "camel"));
    },
    resources: kind.resources(listening.url),
    scopes: kind.scopes,
    defaultScopes: kind.defaultScopes,
    faults: new Faults(),
    log: new RequestLog(),
  };
  listening.open(requestHandler(state, new Router(kind.routes(state))));
  void listening.closed.then(() => {
    ssf.close();
  });
  return {
    ...runningStandin(state, listening, { clientId: defaultClientId, clientSecret: defaultClientSecret }),
    code: (spec) => issueCode(state, spec, "camel").code,
    settings: (changes = {}) => changeSettings(state, changes, "camel"),
    client: (changes) => putClient(state, changes, "camel"),
    person: (spec) => putPerson(state, spec, "camel"),
    ssf: (spec) => ssfEvent(state, spec, "camel"),
  };
}
