/*
 * Tickets: which of the app's users the code of one sign-in is for, as the app's backend has said it beforehand. How
 * one is kept does not belong here.
 */
/**
 * How long a ticket may be used, milliseconds. A code that was rejected is kept for longer: the ticket that it came with
 * learns from it that another code may follow.
 */
const ticketLifeMs = 300_000;
/** How long a ticket's row is kept, milliseconds, so that whoever comes late hears that it has expired. */
export const ticketKeptMs: number = 2 * ticketLifeMs;
