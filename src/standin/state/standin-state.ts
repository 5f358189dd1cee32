/**
 * What a stand-in of any kind remembers: people, faults, the clock and the request log. Each kind adds its own: clients,
 * codes, tokens and settings. Nothing here reads a request or writes a reply.
 */

import type { OwnClock } from "../clock.ts";
import type { Faults } from "../http/faults.ts";
import type { Wording } from "./wording.ts";
import type { Ledger } from "./ledger.ts";
import type { People, Person } from "./people.ts";
import type { RequestLog } from "./request-log.ts";

/** What every kind has, in memory. */
export interface StandinState {
  readonly clock: OwnClock;
  /** Who issues its tokens: `iss`. */
  readonly issuer: string;
  /** Where the stand-in listens, without a slash at the end. */
  readonly url: string;
  /** What its pages say. */
  readonly wording: Wording;
  readonly people: People;
  readonly ledger: Ledger;
  readonly faults: Faults;
  readonly log: RequestLog;
  /** Told where a person has removed an app. Absent: nobody hears of it. */
  readonly onRemoved?: (person: Person) => void;
}
