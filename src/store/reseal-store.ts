/*
 * Sealed values, read row by row and replaced under another data key. A value is replaced only if it still is as it was
 * read. What is in it does not change, so that no other process has to forget anything.
 */

import type { SessionRow } from "./session-store.ts";

/** The sealed values of a grant. */
export interface SealedGrant {
  readonly profileSealed: Uint8Array;
  readonly accessSealed: Uint8Array | null;
  readonly refreshSealed: Uint8Array | null;
}

/** The sealed values of an intake. One that is empty holds nothing. */
export interface SealedIntake {
  readonly contextSealed: Uint8Array;
  readonly answerSealed: Uint8Array | null;
  readonly assertionSealed: Uint8Array | null;
}

/** The sealed value of a ticket. */
export interface SealedTicket {
  readonly contextSealed: Uint8Array;
}

/** The sealed values of a link by which somebody connects an account. */
export interface SealedConnect {
  readonly askedSealed: Uint8Array;
  readonly flowSealed: Uint8Array | null;
}

/** The sealed value of a late answer. */
export interface SealedLateAnswer {
  readonly answerSealed: Uint8Array;
}

/** The sealed value of a caller, and the keyed hash that binds it. */
export interface SealedCaller {
  readonly grantsSealed: Uint8Array;
  readonly rightsMac: Uint8Array;
}

/** The sealed value of a session, and the keyed hash that binds it. */
export interface SealedSession {
  readonly limitsSealed: Uint8Array;
  readonly rightsMac: Uint8Array;
}

/** The sealed key of a client. */
export interface SealedClientKey {
  readonly keySealed: Uint8Array;
}

export interface ClientKeyPlace {
  readonly issuer: string;
  readonly clientId: string;
}

/** What was registered for us, sealed. */
export interface SealedRegistration {
  readonly registrationSealed: Uint8Array;
}

export interface RegistrationPlace {
  readonly provider: string;
  readonly server: string;
  readonly clientId: string;
}

/** What names a grant's row, and the place that its values are sealed for. */
export interface GrantPlace {
  readonly grantId: string;
  readonly clientId: string;
  readonly generation: number;
}

export interface IntakePlace {
  readonly codeHash: Uint8Array;
  readonly clientId: string;
}

export interface TicketPlace {
  readonly ticketHash: Uint8Array;
}

export interface ConnectPlace {
  readonly connectHash: Uint8Array;
}

export interface LateAnswerPlace {
  readonly lateAnswerId: string;
  readonly grantId: string;
  readonly clientId: string;
  readonly parentGeneration: number;
}

/** A row whose values were sealed anew. */
export interface Resealed<Place, Values> {
  readonly place: Place;
  readonly before: Values;
  readonly after: Values;
}

/** Rows whose values were sealed anew. */
export interface ResealedRows {
  readonly grants?: readonly Resealed<GrantPlace, SealedGrant>[];
  readonly intakes?: readonly Resealed<IntakePlace, SealedIntake>[];
  readonly tickets?: readonly Resealed<TicketPlace, SealedTicket>[];
  readonly connects?: readonly Resealed<ConnectPlace, SealedConnect>[];
  readonly lateAnswers?: readonly Resealed<LateAnswerPlace, SealedLateAnswer>[];
  readonly clientKeys?: readonly Resealed<ClientKeyPlace, SealedClientKey>[];
  readonly registeredClients?: readonly Resealed<RegistrationPlace, SealedRegistration>[];
  readonly callers?: readonly Resealed<{ readonly callerId: string }, SealedCaller>[];
  readonly sessions?: readonly Resealed<{ readonly sessionId: string }, SealedSession>[];
}

export interface ResealStore {
  /** @returns a page of grants after that one, in the order of the bytes of their ids; fewer than the limit: the last */
  sealedGrants(after: string, limit: number): Promise<(GrantPlace & SealedGrant)[]>;
  /** @returns a page of intakes after that one, in the order of their hashes' bytes */
  sealedIntakes(after: Uint8Array, limit: number): Promise<(IntakePlace & SealedIntake)[]>;
  /** @returns a page of tickets after that one, in the order of their hashes' bytes */
  sealedTickets(after: Uint8Array, limit: number): Promise<(TicketPlace & SealedTicket)[]>;
  /** @returns a page of links after that one, in the order of their hashes' bytes */
  sealedConnects(after: Uint8Array, limit: number): Promise<(ConnectPlace & SealedConnect)[]>;
  /** @returns a page of late answers after that one, in the order of the bytes of their ids, with the client of the grant */
  sealedLateAnswers(after: string, limit: number): Promise<(LateAnswerPlace & SealedLateAnswer)[]>;
  /** @returns a page of sessions after that one, in the order of the bytes of their ids */
  sealedSessions(after: string, limit: number): Promise<SessionRow[]>;
  /** How far a search through all sealed values has come, as whoever searches has written it. @returns undefined: nobody has */
  resealProgress(): Promise<string | undefined>;
  /**
   * Replaces sealed values, each row only if its values are as they were read, and notes how far the search has come.
   *
   * @param progress noted only if it still is `before`
   * @returns how many rows were replaced
   */
  reseal(
    rows: ResealedRows,
    progress: { readonly before: string | undefined; readonly after: string },
  ): Promise<number>;
}
