import { assertOptions, text } from "../../core/argument-checks.ts";
import type { Rule } from "../../core/argument-checks.ts";
import { defined } from "../../core/defined.ts";
import { onlyAccount } from "../../core/external-ids.ts";
import type { Grant } from "../../core/grant.ts";
import type { GrantState } from "../../core/grant-state.ts";
import { invalidRequest } from "../../core/errors.ts";
import { grantStates } from "../../core/grant-state.ts";
import type { Provider } from "../../providers/provider.ts";
import { waitFor } from "../../core/single-flight.ts";
import type { GrantRow } from "../../store/grant-row.ts";
import type { GrantFilter } from "../../store/store.ts";
import { learnClients } from "../context.ts";
import type { VaultContext } from "../context.ts";
import { accountHash, externalHash, subjectHash } from "../../crypto/keyring.ts";
import { learnLives, seenGrant } from "./diagnosed.ts";
import { isMeant } from "./find-grant.ts";
import { fits } from "./sealed-grant.ts";
import type { AskedTie } from "./sealed-grant.ts";
import { unreadableIn } from "./unreadable-grants.ts";
import type { UnreadableGrant } from "./unreadable-grants.ts";
import type { Sight } from "./visible-grants.ts";

/** Which grants to list: those that fit everything that is given. */
export interface GrantQuery {
  readonly state?: GrantState;
  /** The provider's short name. */
  readonly provider?: string;
  /** The provider's id for a person. Give {@link provider} as well where there are several. */
  readonly subject?: string;
  /** The app's own user id. */
  readonly externalId?: string;
  /**
   * The label by which that user knows the account; without a user id, by which anybody does. Then give {@link provider} as
   * well where there are several.
   */
  readonly account?: string;
  /** The largest number of grants on the page: 1 to 500. Default: 50. */
  readonly limit?: number;
  /** The `cursor` of the page before. Default: the first page. */
  readonly cursor?: string;
}

/** Looked at by what reads it. */
const anything: Rule = { fits: () => true, must: "anything" };

/**
 * Refuses a query of a wrong type, or with a member that nobody knows: mistyped, it would list everybody's grants.
 *
 * @throws {OnbehalfError} `invalid_request`: `details.parameter` names the member
 */
export function assertGrantQuery(query: GrantQuery): void {
  const rules: Readonly<Record<keyof GrantQuery, Rule>> = {
    state: anything,
    provider: text,
    subject: text,
    externalId: text,
    account: text,
    limit: anything,
    cursor: text,
  };
  assertOptions("grants", query, rules);
}

/** Whether a query's words mean somebody at one provider alone: a subject, and a label that no user is named beside. */
export function needsProvider({ subject, externalId, account }: GrantQuery): boolean {
  return subject !== undefined || (account !== undefined && externalId === undefined);
}

/** One page of grants. */
export interface GrantPage {
  /** May be fewer than the limit, even none, also where more pages follow. */
  readonly grants: readonly Grant[];
  /**
   * Grants of the page that are there and cannot be shown, because a value of theirs does not open: it was damaged, or its
   * data key was lost from the store. They are shown again once it opens. Absent: none.
   */
  readonly unreadable?: readonly UnreadableGrant[];
  /** Give it to get the next page. Absent: this is the last page. */
  readonly cursor?: string;
}

/**
 * A page of grants.
 *
 * @param of the provider of the query's subject or account, where {@link needsProvider} says so
 * @throws {OnbehalfError} `invalid_request`: state, cursor or limit is malformed
 * @throws {OnbehalfError} `store_unavailable`
 * @throws the signal's reason, where it aborts first
 */
export async function listGrants(
  context: VaultContext,
  query: GrantQuery,
  of: Provider | undefined,
  signal: AbortSignal | undefined,
): Promise<GrantPage> {
  const { provider, externalId, account } = query;
  const asked = { externalId, account };
  const { limit, ...filter } = filterOf(context, query, of);
  const rows = await waitFor(context.store.listGrants({ limit: limit + 1, ...filter }), signal);
  const page = rows.slice(0, limit);
  await waitFor(learnLives(context, page), signal);
  const last = page.at(-1);
  const listed = page.filter((row) => provider === undefined || row.provider === provider);
  const unreadable = listed.flatMap((row) => closedProfile(context, row));
  return {
    grants: listed.flatMap((row) => readable(context, row, asked)),
    ...(unreadable.length === 0 ? {} : { unreadable }),
    ...defined({ cursor: rows.length > limit ? last?.grantId : undefined }),
  };
}

/** How many rows are read at once for a caller that sees few of them, and how many for one page in all. */
const rowsAtOnce = 500;
const mostRowsForPage = 20_000;

/**
 * A page of the grants that a caller sees. What it does not see leaves no trace: neither a shorter page nor the id of
 * another grant as the cursor. Only where {@link mostRowsForPage} others stand before the next one, the page ends there.
 *
 * @param of the provider of the query's subject or account, where {@link needsProvider} says so
 * @throws {OnbehalfError} `invalid_request`: state, cursor or limit is malformed
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function listVisibleGrants(
  context: VaultContext,
  sight: Sight,
  query: GrantQuery,
  of: Provider | undefined,
): Promise<GrantPage> {
  const { provider, externalId, account } = query;
  const asked = { externalId, account };
  const { limit, ...filter } = filterOf(context, query, of);
  await learnClients(context);
  const selected = await sight.selected(filter);
  const grants: Grant[] = [];
  const closed: UnreadableGrant[] = [];
  const page = (cursor?: string): GrantPage => {
    return { grants, ...(closed.length === 0 ? {} : { unreadable: closed }), ...defined({ cursor }) };
  };
  let after = filter.after ?? "";
  for (let read = 0; read < mostRowsForPage; read += rowsAtOnce) {
    const rows = selected ?? (await context.store.listGrants({ ...filter, after, limit: rowsAtOnce }));
    await learnLives(context, rows);
    for (const row of rows) {
      const isListed = provider === undefined || row.provider === provider;
      const grant = isListed ? sight.see(row, asked) : undefined;
      // One more than fits has been found: there is a next page.
      if (grant !== undefined && grants.length === limit) return page(grants.at(-1)?.grantId);
      if (grant !== undefined) grants.push(grant);
      else if (isListed && sight.seesAll(row)) closed.push(...closedProfile(context, row));
    }
    if (selected !== undefined || rows.length < rowsAtOnce) return page();
    after = rows.at(-1)?.grantId ?? after;
  }
  return page(placeBefore(after, grants.at(-1)?.grantId ?? filter.after ?? ""));
}

/**
 * A cursor shortly before a grant that the caller may not see: the start of its id, which is of no use as a reference.
 *
 * @param seen the last id that the caller knows; the cursor comes after it
 */
function placeBefore(hidden: string, seen: string): string {
  for (let length = 8; length < hidden.length; length += 1) {
    const start = hidden.slice(0, length);
    if (start > seen) return start;
  }
  return hidden;
}

/** @throws {OnbehalfError} `invalid_request` */
function filterOf(
  { keyring, clock }: VaultContext,
  { state, subject, externalId, account, cursor, limit = 50 }: GrantQuery,
  of: Provider | undefined,
): GrantFilter {
  if (!Number.isInteger(limit) || limit < 1 || limit > 500)
    throw invalidRequest(
      "limit must be a whole number from 1 to 500",
      "send such a number, or leave limit out",
      "limit",
    );
  if (cursor !== undefined && !/^g_[A-Za-z0-9_-]{1,64}$/.test(cursor)) {
    throw invalidRequest(
      "cursor must be the cursor of a page",
      "send the cursor that came with the page before, or leave cursor out",
      "cursor",
    );
  }
  if (state !== undefined && !grantStates.includes(state)) {
    throw invalidRequest(
      `state must be one of ${grantStates.join(", ")}`,
      "send one of these, or leave state out",
      "state",
    );
  }
  return {
    limit,
    ...defined({
      state,
      at: state === undefined ? undefined : clock.now(),
      after: cursor,
      externalHash: externalId === undefined ? undefined : externalHash(keyring, externalId),
      subjectHash: subject === undefined || of === undefined ? undefined : subjectHash(keyring, of.issuer, subject),
      // The few grants of one user, or of one person, are told apart by what is sealed. So are those whose label nobody gave.
      account:
        externalId !== undefined || subject !== undefined || account === undefined || of === undefined
          ? undefined
          : of.identity === "none" && account === onlyAccount
            ? undefined
            : { accountHash: accountHash(keyring, account), subjectHash: subjectHash(keyring, of.issuer, account) },
    }),
  };
}

/** A row whose profile does not open. */
function closedProfile({ keyring }: VaultContext, row: GrantRow): UnreadableGrant[] {
  return unreadableIn(keyring, row).filter(({ values }) => values.includes("profile"));
}

/** A row as a grant; no grant where the row does not open, or is not the one that was asked for. One damaged row must not hide all others. */
function readable(context: VaultContext, row: GrantRow, asked: AskedTie): Grant[] {
  if (!isMeant(context, row, asked.externalId)) return [];
  const grant = seenGrant(context, row, asked);
  return asked.account === undefined || grant.externalIds.some(fits(asked)) ? [grant] : [];
}
