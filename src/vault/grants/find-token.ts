import type { GrantRef } from "../../core/grant.ts";
import type { FoundTokenRow, TokenRow } from "../../store/grant-row.ts";
import type { MaybePromise } from "../../core/maybe-promise.ts";
import type { VaultContext } from "../context.ts";
import { ifReadable } from "../errors/grant-unreadable.ts";
import { askedBy, isOurs, lookupHashes } from "./find-grant.ts";
import { fits, openPerson } from "./sealed-grant.ts";

/** Whether somebody sees a grant, of what stands in clear. */
export type SeesGrant = (row: { readonly provider: string }) => boolean;

/** Where a reference fits more grants than this, nobody should open all of them on a short way. */
const mostOpened = 16;

/**
 * The grant that a reference means, where that is plain: it is the only one that lives of a client that is configured here,
 * and it is `active`. It reads what an answer with a token needs and no more. Whatever is not plain is left to `findGrant`,
 * which decides the same of whole rows, learns what other processes have registered, and says why.
 *
 * @param sees leaves out grants as if they were not there
 * @returns undefined where `findGrant` must decide
 * @throws {OnbehalfError} `store_unavailable`
 */
export function findToken(context: VaultContext, ref: GrantRef, sees: SeesGrant): MaybePromise<TokenRow | undefined> {
  const { store } = context;
  if (typeof ref === "string" || "grantId" in ref) {
    const row = store.tokenById(typeof ref === "string" ? ref : ref.grantId);
    return row instanceof Promise ? row.then((found) => plain(context, found, sees)) : plain(context, row, sees);
  }
  const found = lookupHashes(context, ref).map((hash) =>
    "externalId" in ref ? store.tokensByExternalId(hash) : store.tokensBySubject(hash),
  );
  return found.every(isHere)
    ? plainlyMeant(context, ref, found.flat().filter(sees))
    : Promise.all(found.map(async (rows) => rows)).then((rows) => plainlyMeant(context, ref, rows.flat().filter(sees)));
}

function isHere<T>(value: MaybePromise<T>): value is T {
  return !(value instanceof Promise);
}

function plain(context: VaultContext, row: TokenRow | undefined, sees: SeesGrant): TokenRow | undefined {
  return row?.state === "active" && sees(row) && isOurs(context, row) ? row : undefined;
}

/** Of the rows that were found by a reference's hashes, the one that it means. Each says under seal whose it is. */
function plainlyMeant(
  context: VaultContext,
  ref: Exclude<GrantRef, string | { readonly grantId: string }>,
  rows: readonly FoundTokenRow[],
): TokenRow | undefined {
  const { externalId, account } = askedBy(ref);
  const { provider } = ref;
  const named = provider === undefined ? rows : rows.filter((row) => row.provider === provider);
  if (named.length > mostOpened) return undefined;
  let meant: TokenRow | undefined;
  for (const row of named) {
    if (!isOurs(context, row)) {
      // Another process may have registered its client a moment ago.
      if (context.protocols.get(row.provider)?.provider.server !== undefined) return undefined;
      // Not opened: the time of an answer must not tell that another client's grant is there.
      continue;
    }
    const person = ifReadable(() => openPerson(context.keyring, row));
    if (person === undefined) return undefined;
    const ties = person.externalIds.filter(fits({ externalId }));
    if (externalId !== undefined && ties.length === 0) return undefined;
    const labels = ties.length > 0 ? ties.map((tie) => tie.account) : [person.profile.sub];
    if (row.state === "revoked" || (account !== undefined && !labels.includes(account))) continue;
    if (meant !== undefined) return undefined;
    meant = row;
  }
  return meant?.state === "active" ? meant : undefined;
}
