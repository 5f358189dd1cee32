import { OnbehalfError } from "../../core/errors.ts";
import type { TicketFlaw } from "../../core/ticket.ts";

const anew = "ask the app's backend for a new ticket, and send it with the same code, which was not used";

const flaws: Readonly<Record<TicketFlaw, { readonly says: string; readonly hint: string }>> = {
  malformed: {
    says: "the ticket is malformed or a damaged copy",
    hint: "send the ticket as POST /v1/tickets answered it",
  },
  unknown: { says: "the ticket is not known here", hint: anew },
  expired: { says: "the ticket has expired", hint: anew },
  used: { says: "the ticket came with another code before", hint: anew },
  caller: { says: "whoever made the ticket may not do so any more", hint: anew },
  provider: {
    says: "the ticket is for another provider or client",
    hint: "leave provider out, or name the provider that the ticket was made for",
  },
  external_id: {
    says: "the ticket is for another user of the app",
    hint: "ask the app's backend for a ticket of the user who is signed in to the app now; the code was not used",
  },
  account: {
    says: "the ticket is for another account of the user",
    hint: "leave account out, or name the one that the ticket was made for",
  },
  nonce: {
    says: "the ticket was made with another nonce",
    hint: "start the sign-in with the nonce that came with the ticket, and send that one, or none",
  },
};

/** A ticket does not fit what came with it. The code was not used. */
export function ticketInvalid(reason: TicketFlaw): OnbehalfError<"ticket_invalid"> {
  const { says, hint } = flaws[reason];
  return new OnbehalfError("ticket_invalid", says, { hint, details: { reason } });
}
