import type { Authorization } from "../state/ledger.ts";
import { BadInput, number, read, text } from "../input-checks.ts";
import type { Spelling } from "../input-checks.ts";
import type { Person } from "../state/people.ts";
import type { StandinState } from "../state/standin-state.ts";

// What a test can do to a stand-in of any kind, in both spellings: the JavaScript interface and the control routes call these.

/**
 * Moves the clock forward; it never goes back.
 *
 * @throws {BadInput} where `ms` is not a number of milliseconds from 0 on
 */
export function advanceClock(state: StandinState, ms: unknown): void {
  state.clock.advance(number(0)(ms, "the time to advance by, in milliseconds,"));
}

/**
 * Does what a person does who removes the app on the account page.
 *
 * @returns how many authorizations ended
 */
export function removeApp(state: StandinState, input: unknown, spelling: Spelling): number {
  const { email, project } = read(input, { email: text, project: text }, spelling, ["email"]);
  const person = knownPerson(state, email);
  const ended: Authorization[] = state.ledger.authorizationsOf(person, project);
  for (const authorization of ended) state.ledger.end(authorization);
  if (ended.length > 0) state.onRemoved?.(person);
  return ended.length;
}

/**
 * The person with this address.
 *
 * @throws {BadInput} where nobody has it
 */
export function knownPerson(state: StandinState, email: string): Person {
  const person = state.people.find(email);
  if (person === undefined) throw new BadInput(`there is no person with the address ${JSON.stringify(email)}`);
  return person;
}
