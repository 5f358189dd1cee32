/** What a caller's view is made of and narrows. */
import { required } from "../../core/argument-checks.ts";
import type { Rule } from "../../core/argument-checks.ts";
import type { Grant, GrantRef } from "../../core/grant.ts";
import type { Maker } from "../../core/maker.ts";
import type { Probe } from "../../core/probe.ts";
import type { CreateTicketOptions, Ticket } from "../../core/ticket.ts";
import type { EventReader } from "../app-events/event-reader.ts";
import type { VaultContext } from "../context.ts";
import { isOurs } from "../grants/find-grant.ts";
import type { AuditLog, AuditLogRow } from "../audit/audit-log.ts";
import type { ExchangeCodeOptions } from "../keeper/codes/code-request.ts";
import type { DepositOptions } from "../keeper/deposits/deposit-request.ts";

export const aCaller: Rule = required({
  fits: (value) =>
    typeof value === "object" && value !== null && "grants" in value && Array.isArray(value.grants) && "allow" in value,
  must: "a caller, as callers.authenticate returns it",
});

/** The verbs of a vault that a view narrows. */
export interface Verbs {
  readonly audit: AuditLog;
  readonly eventReader: EventReader;
  exchangeCode(options: ExchangeCodeOptions): Promise<Grant>;
  deposit(options: DepositOptions): Promise<Grant>;
  revoke(ref: GrantRef): Promise<Grant>;
  probe(ref: GrantRef): Promise<Probe>;
}

/** Makes tickets in a caller's name. */
export interface TicketMaker {
  create(options: CreateTicketOptions, maker: Maker): Promise<Ticket>;
}

/** Rows of the audit log without those about grants of clients that are not configured here. */
export async function withoutOtherClients(
  context: VaultContext,
  page: readonly AuditLogRow[],
): Promise<readonly AuditLogRow[]> {
  const seen = new Map<string, boolean>();
  for (const { grantId } of page) {
    if (grantId === undefined || seen.has(grantId)) continue;
    const row = await context.store.grantById(grantId);
    // Of a grant whose row was taken out, the log is all that there is.
    seen.set(grantId, row === undefined || isOurs(context, row));
  }
  return page.filter(({ grantId }) => grantId === undefined || seen.get(grantId) === true);
}
