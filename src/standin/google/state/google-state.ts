import type { Clients } from "./clients.ts";
import type { Code } from "./codes.ts";
import type { DpopMemory } from "./dpop-memory.ts";
import type { Files } from "./drive-files.ts";
import type { RiscStream } from "./risc-stream.ts";
import type { KeyRing } from "../../state/key-ring.ts";
import type { OneTimeCodes } from "../../state/one-time-codes.ts";
import type { Person } from "../../state/people.ts";
import type { Settings } from "./settings.ts";
import type { StandinState } from "../../state/standin-state.ts";

/** All that one stand-in for Google remembers. The Drive files and the signing keys keep their own state in theirs. */
export interface GoogleState extends StandinState {
  readonly settings: Settings;
  readonly clients: Clients;
  readonly codes: OneTimeCodes<Code>;
  readonly dpop: DpopMemory;
  readonly keys: KeyRing;
  readonly files: Files;
  readonly risc: RiscStream;
}

/** A drawing that the stand-in serves itself, so that a page can show it without the internet. */
export function pictureUrl(state: Pick<GoogleState, "url">, person: Person): string {
  return `${state.url}/picture/${person.sub}.svg`;
}
