/*
 * Tickets: which of the app's users the code of one sign-in is for, as the app's backend has said it beforehand. Whether
 * a ticket fits the code that comes with it is decided here; how one is kept does not belong here.
 */
import { isRecent } from "./recorded-time.ts";
import type { Secret } from "./secret.ts";

/**
 * How long a ticket may be used, milliseconds. A code that was rejected is kept for longer: the ticket that it came with
 * learns from it that another code may follow.
 */
export const ticketLifeMs = 300_000;
/** How long a ticket's row is kept, milliseconds, so that whoever comes late hears that it has expired. */
export const ticketKeptMs: number = 2 * ticketLifeMs;
/**
 * How long a request that came with a ticket in time may come again, milliseconds: its answer may have been lost. As
 * long as the same code gives the same result.
 */
const ticketReplayMs = 60_000;

/** What a ticket is for. */
export interface CreateTicketOptions {
  /** The app's own user id, 1 to 512 characters: the grant that the code becomes is known by it. */
  readonly externalId: string;
  /** The provider's short name. May be left out where the vault has only one provider. */
  readonly provider?: string;
  /**
   * The scopes that the sign-in will ask for, so that the answer can name those that were not granted. They count, and not
   * those that come with the code. Default: what comes with the code.
   */
  readonly scopes?: readonly string[];
  /**
   * A label for the account, 1 to 512 characters, where one user has several accounts of the provider. Default: as for
   * `exchangeCode`.
   */
  readonly account?: string;
  /**
   * Whether the ID token must carry the ticket's nonce. Default false: it must where it carries one, and may carry none,
   * as with Google's sign-in on Android.
   */
  readonly nonceRequired?: boolean;
}

/** A ticket. `ticket` is a getter, so that neither logging nor serialising the object shows it. */
export class Ticket {
  /** Start the sign-in with it, where the provider's library takes one. */
  readonly nonce: string;
  /** Until when a code may come with it: five minutes. */
  readonly expiresAt: Date;
  readonly #ticket: Secret;

  /** @internal Use `Vault.createTicket`. */
  constructor(ticket: Secret, nonce: string, expiresAt: number) {
    this.#ticket = ticket;
    this.nonce = nonce;
    this.expiresAt = new Date(expiresAt);
  }

  /** The ticket itself, `obt_…`: to be sent with the code, as `ticket`. */
  get ticket(): string {
    return this.#ticket.expose();
  }
}

/** What is kept of a ticket, sealed. */
export interface TicketContent {
  /** Whose ticket it is: the caller's id; null where the app itself has made it. */
  readonly callerId: string | null;
  /** In which of that caller's sessions. Absent: with its own key. */
  readonly sessionId?: string;
  /** The provider's short name. */
  readonly provider: string;
  /** The client that the provider was used with. */
  readonly clientId: string;
  /** The app's own user id. */
  readonly externalId: string;
  /** Which account of that user. Absent: what the request says. */
  readonly account?: string;
  /** What the sign-in asks for. Absent: what the request says. */
  readonly scopes?: readonly string[];
  readonly nonce: string;
  /** Whether the ID token must carry that nonce. */
  readonly isNonceRequired: boolean;
  /** Milliseconds since the epoch. */
  readonly issuedAt: number;
}

/** Why a ticket is refused. */
export type TicketFlaw =
  "malformed" | "unknown" | "expired" | "used" | "caller" | "provider" | "external_id" | "account" | "nonce";

/** What a ticket comes with. */
interface TicketUse {
  readonly ticket: TicketContent;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** When this very code came with it first, milliseconds since the epoch. Absent: it is the first time. */
  readonly boundAt?: number;
  /** Whether whoever has made it may still tie grants of this provider to this user. */
  readonly isMakerAllowed: boolean;
  /** The client of the ticket's provider as it is configured now. Undefined: none is. */
  readonly clientId: string | undefined;
  /** What the request names. Undefined: nothing. */
  readonly provider: string | undefined;
  readonly externalId: string | undefined;
  readonly account: string | undefined;
  readonly nonce: string | undefined;
}

/**
 * Decides whether a ticket may be used with a code. That no other code has come with it is not decided here: of many
 * that come at once, the store knows the first.
 *
 * @returns undefined: it may
 */
export function flawOf(use: TicketUse): TicketFlaw | undefined {
  const { ticket, now, boundAt } = use;
  const isInTime = isRecent(ticket.issuedAt, now, ticketLifeMs);
  const isReplay = boundAt !== undefined && isRecent(boundAt, now, ticketReplayMs);
  if (!isInTime && !isReplay) return "expired";
  if (!use.isMakerAllowed) return "caller";
  if (use.clientId !== ticket.clientId) return "provider";
  if (use.provider !== undefined && use.provider !== ticket.provider) return "provider";
  if (use.externalId !== undefined && use.externalId !== ticket.externalId) return "external_id";
  if (use.account !== undefined && use.account !== (ticket.account ?? use.account)) return "account";
  if (use.nonce !== undefined && use.nonce !== ticket.nonce) return "nonce";
  return undefined;
}
