/* Tickets, each for one sign-in of one of the app's users. They are found by keyed hashes. Times are milliseconds since the epoch. */

export interface TicketRow {
  readonly ticketHash: Uint8Array;
  /** Whose ticket it is, and what the code that comes with it must fit. */
  readonly contextSealed: Uint8Array;
  readonly issuedAt: number;
  /** The hash of the code that came with it. Null: none came yet. */
  readonly codeHash: Uint8Array | null;
  /** When that code came. */
  readonly boundAt: number | null;
}

export interface TicketStore {
  /** Keeps a new ticket, which no code came with yet. Its hash is new: it is random. */
  insertTicket(ticket: Pick<TicketRow, "ticketHash" | "contextSealed" | "issuedAt">): Promise<void>;
  /** @returns undefined where there is no such ticket */
  ticketByHash(ticketHash: Uint8Array): Promise<TicketRow | undefined>;
  /**
   * Binds a ticket to a code, durably and before the code is sent. A ticket is bound to one code: of many that come at
   * once, one is the first. Where that code was rejected, another one may follow it.
   *
   * @returns true: it is bound to this code, by this call or before; false: it is bound to another one that was not
   *   rejected, or there is no such ticket
   */
  bindTicket(ticketHash: Uint8Array, codeHash: Uint8Array, at: number): Promise<boolean>;
  /**
   * Removes tickets that were made before that time.
   *
   * @returns how many
   */
  sweepTickets(issuedBefore: number): Promise<number>;
}
