/**
 * All that one stand-in remembers: people, clients, codes, tokens, settings, the clock and the request log.
 * Nothing here reads a request or writes a reply; the Drive files and the signing keys keep their own state in theirs.
 */

import type { OwnClock } from "../clock.ts";
import type { Clients } from "./clients.ts";
import type { Codes } from "./codes.ts";
import type { Files } from "./drive-files.ts";
import type { DpopMemory } from "./dpop-memory.ts";
import type { Faults } from "../http/faults.ts";
import type { KeyRing } from "../keys/key-ring.ts";
import type { Ledger } from "./ledger.ts";
import type { People, Person } from "./people.ts";
import type { RequestLog } from "./request-log.ts";
import type { Settings } from "./settings.ts";

/** All that one stand-in remembers, in memory. */
export interface StandinState {
  readonly clock: OwnClock;
  /** `iss` of ID tokens. */
  readonly issuer: string;
  /** Where the stand-in listens, without a slash at the end. */
  readonly url: string;
  readonly settings: Settings;
  readonly people: People;
  readonly clients: Clients;
  readonly codes: Codes;
  readonly ledger: Ledger;
  readonly dpop: DpopMemory;
  readonly keys: KeyRing;
  readonly files: Files;
  readonly faults: Faults;
  readonly log: RequestLog;
}

/** A drawing that the stand-in serves itself, so that a page can show it without the internet. */
export function pictureUrl(state: Pick<StandinState, "url">, person: Person): string {
  return `${state.url}/picture/${person.sub}.svg`;
}
