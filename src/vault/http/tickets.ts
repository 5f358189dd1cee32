import { createHash, randomBytes } from "node:crypto";
import { assertOptions, required, text, texts, truth } from "../../core/argument-checks.ts";
import { defined } from "../../core/defined.ts";
import { invalidRequest } from "../../core/errors.ts";
import type { Maker } from "../../core/maker.ts";
import { Secret } from "../../core/secret.ts";
import { Ticket, flawOf, ticketLifeMs } from "../../core/ticket.ts";
import type { CreateTicketOptions, TicketContent } from "../../core/ticket.ts";
import { codeHash } from "../../crypto/keyring.ts";
import { ticketPlace } from "../../crypto/places.ts";
import { protocolNamed } from "../context.ts";
import type { VaultContext } from "../context.ts";
import { noClient } from "../errors/client-misconfigured.ts";
import { ticketInvalid } from "../errors/ticket-invalid.ts";
import { accountOf, codeRequest, externalIdOf, scopesOf } from "../keeper/codes/code-request.ts";
import type { ExchangeCodeOptions, SettledCode } from "../keeper/codes/code-request.ts";
import type { Callers } from "./callers.ts";
import { mayStillConnect } from "./maker.ts";

const rules = {
  externalId: required(text),
  provider: text,
  account: text,
  scopes: texts,
  nonceRequired: truth,
};

const form = /^obt_([0-9a-f]{64})_([0-9a-f]{8})$/;

type Context = Pick<VaultContext, "store" | "keyring" | "clock" | "protocols">;

/**
 * Tickets for phones: the app's backend says beforehand whose the grant becomes, and the phone brings that with the code.
 * The store keeps a keyed hash of a ticket, and what it says sealed.
 */
export class Tickets {
  readonly #context: Context;
  readonly #callers: Callers;

  constructor(context: Context, callers: Callers) {
    this.#context = context;
    this.#callers = callers;
  }

  /**
   * Makes a ticket; see `Vault.createTicket`.
   *
   * @param maker whose it is; null: the app's own
   */
  async create(options: CreateTicketOptions, maker: Maker | null): Promise<Ticket> {
    assertOptions("createTicket", options, rules);
    const { store, keyring, clock } = this.#context;
    const { provider, client } = protocolNamed(this.#context, options.provider);
    if (provider.client === "none") throw noClient(provider);
    const isNonceRequired = options.nonceRequired ?? false;
    if (isNonceRequired && (provider.identity ?? "id_token") !== "id_token") {
      throw invalidRequest(
        `nonce_required must not be true for ${provider.name}, whose sign-ins bring no ID token`,
        "leave nonce_required out",
        "nonce_required",
      );
    }
    const secret = randomBytes(32).toString("hex");
    const issuedAt = clock.now();
    const content: TicketContent = {
      callerId: maker?.callerId ?? null,
      ...defined({ sessionId: maker?.sessionId }),
      provider: provider.name,
      clientId: client.clientId,
      externalId: externalIdOf(options.externalId),
      ...defined({
        account: accountOf(options),
        scopes: options.scopes === undefined ? undefined : scopesOf(options.scopes),
      }),
      nonce: randomBytes(32).toString("base64url"),
      isNonceRequired,
      issuedAt,
    };
    const ticketHash = this.#hash(secret);
    const contextSealed = keyring.seal(JSON.stringify(content), ticketPlace(ticketHash));
    await store.insertTicket({ ticketHash, contextSealed, issuedAt });
    return new Ticket(new Secret(`obt_${secret}_${checksum(secret)}`), content.nonce, issuedAt + ticketLifeMs);
  }

  /**
   * Looks at the ticket that came with a code, and binds it to that code. The code is not sent: it may be once this has
   * returned.
   *
   * @returns what the ticket says of the code, with what came with it
   * @throws {OnbehalfError} `ticket_invalid`: the ticket does not fit
   * @throws {OnbehalfError} `invalid_request`: what came with it is malformed; the ticket is not bound
   * @throws {OnbehalfError} `store_unavailable`
   */
  async take({ ticket: given = "", ...options }: ExchangeCodeOptions): Promise<SettledCode> {
    const { store, keyring, clock, protocols } = this.#context;
    const [, secret = "", sum = ""] = form.exec(Secret.of(given).expose()) ?? [];
    // The checksum finds copies that were cut or mistyped, without asking the store.
    if (secret === "" || checksum(secret) !== sum) throw ticketInvalid("malformed");
    const ticketHash = this.#hash(secret);
    const row = await store.ticketByHash(ticketHash);
    const opened = row === undefined ? undefined : keyring.open(row.contextSealed, ticketPlace(ticketHash));
    // What does not open was put there by hand, or sealed with a key that is gone: nobody knows whose it is.
    if (row === undefined || opened === undefined) throw ticketInvalid("unknown");
    const ticket = JSON.parse(opened) as TicketContent;
    const protocol = protocols.get(ticket.provider);
    if (protocol === undefined) throw ticketInvalid("provider");
    const settled: SettledCode = {
      ...options,
      provider: ticket.provider,
      externalId: ticket.externalId,
      ...defined({ account: ticket.account ?? options.account, scopes: ticket.scopes ?? options.scopes }),
      nonce: ticket.nonce,
      // Whoever names the nonce says that the sign-in was started with it: then the ID token must have it.
      isNonceOptional: !ticket.isNonceRequired && (options.nonce ?? "") === "",
    };
    // Before the ticket is bound: what is malformed must not use it up.
    const { code } = codeRequest(settled, protocol.provider);
    const hash = codeHash(keyring, protocol.client.clientId, code.expose());
    const isBound = row.codeHash !== null && hash.equals(row.codeHash);
    const flaw = flawOf({
      ticket,
      now: clock.now(),
      ...(isBound && row.boundAt !== null ? { boundAt: row.boundAt } : {}),
      isMakerAllowed: await mayStillConnect(this.#callers, makerOf(ticket), ticket),
      clientId: protocol.client.clientId,
      provider: options.provider,
      externalId: options.externalId,
      account: options.account,
      nonce: options.nonce === "" ? undefined : options.nonce,
    });
    if (flaw !== undefined) throw ticketInvalid(flaw);
    if (!isBound && !(await store.bindTicket(ticketHash, hash, clock.now()))) throw ticketInvalid("used");
    return settled;
  }

  #hash(secret: string): Buffer {
    return this.#context.keyring.hash("ticket", secret);
  }
}

function makerOf({ callerId, sessionId }: TicketContent): Maker | null {
  return callerId === null ? null : { callerId, ...defined({ sessionId }) };
}

/** Shows that a text is a ticket: to scanners that look for leaked secrets, and to us, to find a mistyped one. */
function checksum(secret: string): string {
  return createHash("sha256").update(`obt_${secret}`).digest("hex").slice(0, 8);
}
