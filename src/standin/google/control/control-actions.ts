import { clientFile, defaultClientId } from "../state/clients.ts";
import type { Client, ClientKind } from "../state/clients.ts";
import { BadInput, address, listOf, oneOf, orNull, read, text, yesNo } from "../../input-checks.ts";
import type { Spelling } from "../../input-checks.ts";
import { securityEvent } from "./risc.ts";
import { knownPerson } from "../../control/shared-actions.ts";
import type { AccountRefusal } from "../../state/people.ts";
import { isGmailScope } from "../state/scopes.ts";
import { accountRefusal, readSettings } from "../state/settings.ts";
import type { Settings } from "../state/settings.ts";
import type { GoogleState } from "../state/google-state.ts";

// What a test can do to the stand-in, in both spellings: the JavaScript interface and the control routes call these.

/**
 * Changes how the provider behaves.
 *
 * @returns all settings, after the change
 * @throws {BadInput} naming the member that is unknown or out of range
 */
export function changeSettings(state: GoogleState, input: unknown, spelling: Spelling): Settings {
  Object.assign(state.settings, readSettings(input, spelling));
  return { ...state.settings };
}

/** Does what a person does who changes the password: their refresh tokens that reach Gmail end, and only those. */
export function changePassword(state: GoogleState, input: unknown, spelling: Spelling): void {
  const { email } = read(input, { email: text }, spelling, ["email"]);
  const person = knownPerson(state, email);
  if (state.risc.configuration !== undefined) {
    state.risc.deliver(securityEvent(state, { type: "sessions-revoked", email: person.email }, "camel"));
  }
  for (const authorization of state.ledger.authorizationsOf(person)) {
    for (const family of [...authorization.families.values()].flat()) {
      if (family.scopes.some(isGmailScope)) family.endedAt ??= state.clock.now();
    }
  }
}

const clientShape = {
  clientId: text,
  clientSecret: orNull(text),
  kind: oneOf("web", "installed", "android", "ios"),
  name: text,
  redirectUris: listOf(text),
  javascriptOrigins: listOf(text),
  loopback: yesNo,
  state: oneOf("enabled", "deleted", "disabled"),
  onlyDomain: orNull(text),
};

/** A registered client, as a test sees it. */
export interface ClientView {
  readonly clientId: string;
  /** Null for the clients of phones. */
  readonly clientSecret: string | null;
  /** The Cloud project: the part of the id before the dash. */
  readonly project: string;
  readonly kind: ClientKind;
  readonly name: string;
  readonly redirectUris: readonly string[];
  readonly javascriptOrigins: readonly string[];
  readonly state: Client["state"];
}

export function viewOf({
  id,
  secret,
  project,
  kind,
  name,
  redirectUris,
  javascriptOrigins,
  state,
}: Client): ClientView {
  return { clientId: id, clientSecret: secret ?? null, project, kind, name, redirectUris, javascriptOrigins, state };
}

/** The `client_secret_….json` of a client, the built-in one unless another is named. */
export function clientSecretFile(state: GoogleState, clientId: string = defaultClientId): Record<string, unknown> {
  const client = state.clients.get(clientId);
  if (client === undefined) throw new BadInput(`there is no client with the id ${JSON.stringify(clientId)}`);
  return clientFile(client, state.url);
}

/** Registers a client, or changes the one with this id. */
export function putClient(state: GoogleState, input: unknown, spelling: Spelling): ClientView {
  return viewOf(state.clients.put(read(input, clientShape, spelling)));
}

/** What a test may say about a person. What it leaves out stays as it is, or gets a default. */
export interface PersonSpec {
  /** Whose account it is. An address that nobody has yet becomes a new person. */
  email: string;
  name?: string;
  givenName?: string;
  familyName?: string;
  locale?: string;
  /** The Workspace domain. Default: none. */
  hd?: string;
  /** Default true. */
  emailVerified?: boolean;
  /** Refuse every exchange and refresh of this person in this way; null: refuse none. */
  refusal?: AccountRefusal | null;
}

const personShape = {
  email: address,
  name: text,
  givenName: text,
  familyName: text,
  locale: text,
  hd: text,
  emailVerified: yesNo,
  refusal: orNull(accountRefusal),
};

/** Creates a person, or changes the one with this address. */
export function putPerson(state: GoogleState, input: unknown, spelling: Spelling): { sub: string; email: string } {
  const { email, ...changes } = read(input, personShape, spelling, ["email"]);
  const person = Object.assign(state.people.findOrCreate(email), changes);
  return { sub: person.sub, email: person.email };
}

/** Makes a new key that signs from now on. The one before it stays published, unless `keepOld` is false. */
export function rotateKeys(state: GoogleState, input: unknown, spelling: Spelling): string {
  const { keepOld = true } = read(input, { action: oneOf("rotate"), keepOld: yesNo }, spelling);
  return state.keys.rotate(keepOld).kid;
}
