import { defined } from "../../core/defined.ts";
import { invalidRequest, isOnbehalfError } from "../../core/errors.ts";
import { grantStates } from "../../core/grant.ts";
import type { Grant, GrantState } from "../../core/grant.ts";
import { waitFor } from "../../core/single-flight.ts";
import type { GrantRow } from "../../store/store.ts";
import type { VaultContext } from "../context.ts";
import { externalHash, grantOf, subjectHash } from "./sealed-grant.ts";

/** Which grants to list. */
export interface GrantQuery {
  readonly state?: GrantState;
  readonly provider?: string;
  readonly subject?: string;
  readonly externalId?: string;
  /** At most so many; 50 by default, 500 at most. */
  readonly limit?: number;
  /** Where the page before ended. */
  readonly cursor?: string;
}

export interface GrantPage {
  readonly grants: readonly Grant[];
  /** Present where there are more. */
  readonly cursor?: string;
}

/**
 * A page of grants.
 *
 * @param issuer whose subject the query names, where it names one
 * @throws {OnbehalfError} `invalid_request`: state, cursor or limit is none
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function listGrants(
  context: VaultContext,
  query: GrantQuery,
  issuer: string | undefined,
  signal: AbortSignal | undefined,
): Promise<GrantPage> {
  const { store, keyring } = context;
  const { state, subject, externalId, provider, cursor, limit = 50 } = query;
  if (!Number.isInteger(limit) || limit < 1 || limit > 500)
    throw invalidRequest(
      "limit must be a whole number from 1 to 500",
      "send such a number, or leave limit out",
      "limit",
    );
  if (cursor !== undefined && !/^g_[A-Za-z0-9_-]{1,64}$/.test(cursor)) {
    throw invalidRequest(
      "cursor must be the cursor that a page ended with",
      "send the cursor of the page before",
      "cursor",
    );
  }
  if (state !== undefined && !grantStates.includes(state)) {
    throw invalidRequest("state is not a state of a grant", `use one of ${grantStates.join(", ")}`, "state");
  }
  const filter = defined({
    state,
    after: cursor,
    externalHash: externalId === undefined ? undefined : externalHash(keyring, externalId),
    subjectHash: subject === undefined || issuer === undefined ? undefined : subjectHash(keyring, issuer, subject),
  });
  const rows = await waitFor(store.listGrants({ limit: limit + 1, ...filter }), signal);
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    grants: page
      .filter((row) => provider === undefined || row.provider === provider)
      .flatMap((row) => readable(context, row)),
    ...defined({ cursor: rows.length > limit ? last?.grantId : undefined }),
  };
}

/** A row as a grant; none where it does not open: one damaged row must not hide all others. */
function readable({ keyring, emit }: VaultContext, row: GrantRow): Grant[] {
  try {
    return [grantOf(keyring, row)];
  } catch (error) {
    if (!isOnbehalfError(error, "grant_unreadable")) throw error;
    emit({ type: "unreadable", grantId: row.grantId, provider: row.provider });
    return [];
  }
}
