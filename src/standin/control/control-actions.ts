import type { Authorization } from "../state/ledger.ts";
import { clientFile, defaultClientId } from "../state/clients.ts";
import type { Client, ClientKind } from "../state/clients.ts";
import { BadInput, listOf, number, oneOf, orNull, read, text, yesNo } from "../input-checks.ts";
import type { Spelling } from "../input-checks.ts";
import type { AccountRefusal } from "../state/people.ts";
import { accountRefusal, readSettings } from "../state/settings.ts";
import type { Settings } from "../state/settings.ts";
import type { StandinState } from "../state/standin-state.ts";

/** What tests can do to the stand-in, in both spellings: the JavaScript interface and the control routes call these. */

/** @throws {BadInput} naming the member that is unknown or out of range. */
export function changeSettings(state: StandinState, input: unknown, spelling: Spelling): Settings {
  Object.assign(state.settings, readSettings(input, spelling));
  return { ...state.settings };
}

/** @throws {BadInput} where `ms` is not a number of milliseconds from 0 up: time does not go backwards here. */
export function advanceClock(state: StandinState, ms: unknown): void {
  state.clock.advance(number(0)(ms, "the time to advance by"));
}

/** The person removes the app in the account page. Says how many authorizations ended. */
export function removeApp(state: StandinState, input: unknown, spelling: Spelling): number {
  const { email = "", project } = read(input, { email: text, project: text }, spelling);
  const person = state.people.find(email);
  if (person === undefined) throw new BadInput(`nobody has the address ${JSON.stringify(email)}`);
  const ended: Authorization[] = state.ledger.authorizationsOf(person, project);
  for (const authorization of ended) state.ledger.end(authorization);
  return ended.length;
}

/** The person changed the password: refresh tokens that reach Gmail end. */
export function changePassword(state: StandinState, input: unknown, spelling: Spelling): void {
  const { email = "" } = read(input, { email: text }, spelling);
  const person = state.people.find(email);
  if (person === undefined) throw new BadInput(`nobody has the address ${JSON.stringify(email)}`);
  state.ledger.passwordChanged(person);
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

/** A client as tests see it. */
export interface ClientView {
  readonly clientId: string;
  readonly clientSecret: string | null;
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
export function clientSecretFile(state: StandinState, clientId: string = defaultClientId): Record<string, unknown> {
  const client = state.clients.get(clientId);
  if (client === undefined) throw new BadInput(`no client has the id ${JSON.stringify(clientId)}`);
  return clientFile(client, state.url);
}

/** Registers a client, or changes one. */
export function putClient(state: StandinState, input: unknown, spelling: Spelling): ClientView {
  return viewOf(state.clients.put(read(input, clientShape, spelling)));
}

/** What a test may say about a person. */
export interface PersonSpec {
  /** An address that nobody has yet becomes a new person. */
  email: string;
  name?: string;
  givenName?: string;
  familyName?: string;
  locale?: string;
  /** The Workspace domain. */
  hd?: string;
  emailVerified?: boolean;
  /** Every exchange and refresh of this person is refused in this way; null: no longer. */
  refusal?: AccountRefusal | null;
}

const personShape = {
  email: text,
  name: text,
  givenName: text,
  familyName: text,
  locale: text,
  hd: text,
  emailVerified: yesNo,
  refusal: orNull(accountRefusal),
};

/** Makes a person, or changes one. */
export function putPerson(state: StandinState, input: unknown, spelling: Spelling): { sub: string; email: string } {
  const { email = "", ...changes } = read(input, personShape, spelling);
  if (!/^[^\s@]+@[^\s@]+$/.test(email)) throw new BadInput("email must be an e-mail address");
  const person = Object.assign(state.people.findOrCreate(email), changes);
  return { sub: person.sub, email: person.email };
}

/** A new key signs from now on. The last one stays published unless `keepOld` is false. */
export function rotateKeys(state: StandinState, input: unknown, spelling: Spelling): string {
  const { keepOld = true } = read(input, { action: oneOf("rotate"), keepOld: yesNo }, spelling);
  return state.keys.rotate(keepOld).kid;
}
