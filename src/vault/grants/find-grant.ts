import {
  abortSignal,
  assertFits,
  assertGrantRef,
  assertOptions,
  filledText,
  noReference,
} from "../../core/argument-checks.ts";
import { defined } from "../../core/defined.ts";
import { OnbehalfError } from "../../core/errors.ts";
import type { GrantRef } from "../../core/grant.ts";
import { accountHash, externalHash, subjectHash } from "../../crypto/keyring.ts";
import type { GrantRow } from "../../store/grant-row.ts";
import { learnClient } from "../context.ts";
import type { VaultContext } from "../context.ts";
import { grantNotFound } from "../errors/grant-not-found.ts";
import { grantUnreadable, ifReadable } from "../errors/grant-unreadable.ts";
import { fits, openPerson } from "./sealed-grant.ts";
import type { AskedTie } from "./sealed-grant.ts";

/**
 * Reads a reference in the form of the command line and the service: `g_…`, `sub:{subject}` or `ext:{external_id}`.
 *
 * @param text the reference; a subject or user id has 1 to 512 characters
 * @param provider the provider's short name, for a subject or user id that has grants at several
 * @param account the label of one account, for a user id that has several at one provider. A grant's own id needs neither
 * @throws {OnbehalfError} `invalid_request`: the text has none of the three forms
 */
export function parseGrantRef(text: string, provider?: string, account?: string): GrantRef {
  assertFits("provider", provider, filledText);
  assertFits("account", account, filledText);
  if (typeof text !== "string") throw noReference("ref");
  const at = defined({ provider, account });
  if (/^g_[A-Za-z0-9_-]{1,64}$/.test(text)) return { grantId: text };
  const value = text.slice(4);
  if (value !== "" && value.length <= 512) {
    if (text.startsWith("sub:")) return { subject: value, ...at };
    if (text.startsWith("ext:")) return { externalId: value, ...at };
  }
  throw noReference("ref");
}

/**
 * The signal of a verb about one grant, once both of its arguments have been looked at.
 *
 * @param verb its name, for messages
 * @throws {OnbehalfError} `invalid_request`: `details.parameter` names what is wrong
 */
export function signalOf(
  verb: string,
  ref: GrantRef,
  options: { readonly signal?: AbortSignal },
): AbortSignal | undefined {
  assertGrantRef(ref);
  assertOptions(verb, options, { signal: abortSignal });
  return options.signal;
}

/**
 * The one grant that a reference names. Of several clients' grants it is that of the client that is configured here: an
 * app's user id means another account in another app.
 *
 * @param among leaves out grants as if they were not there; none by default
 * @param sees leaves out external ids of a grant, and their labels; none by default
 * @throws {OnbehalfError} `grant_not_found`: no grant fits the reference
 * @throws {OnbehalfError} `ambiguous_grant`: several grants do; `details.accounts` names them
 * @throws {OnbehalfError} `grant_unreadable`: the only grant that was found says of itself that it is another's
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function findGrant(
  context: VaultContext,
  ref: GrantRef,
  among: (row: GrantRow) => boolean = () => true,
  sees: SeesId = () => true,
): Promise<GrantRow> {
  const found = await matching(context, ref);
  for (const row of found) await learnClient(context, row);
  const all = meantBy(context, ref, found.filter(among), sees);
  const ours = all.filter((row) => isOurs(context, row));
  const rows = ours.length > 0 ? ours : all;
  // A person who disconnected one account and connected another means the one that is connected.
  const living = rows.filter(({ state }) => state !== "revoked");
  // Where all are over, nothing can be done to the wrong one: the last one says best that a new consent is needed.
  const [row, ...others] =
    living.length > 0 ? living : rows.toSorted((a, b) => b.stateSince - a.stateSince).slice(0, 1);
  if (row === undefined) throw grantNotFound();
  if (others.length > 0) throw ambiguous(context, [row, ...others], askedBy(ref), sees);
  return row;
}

/** Whether somebody sees that a grant is known by an external id. */
type SeesId = (row: GrantRow, externalId: string) => boolean;

function ambiguous(
  { keyring }: VaultContext,
  rows: readonly GrantRow[],
  asked: AskedTie,
  sees: SeesId,
): OnbehalfError<"ambiguous_grant"> {
  const accounts = rows.map((row) => {
    const { grantId, provider } = row;
    return { account: labelsOf(keyring, row, asked, sees)[0] ?? "", provider, grantId };
  });
  const providers = [...new Set(accounts.map(({ provider }) => provider))];
  const isTold = new Set(accounts.map(({ account }) => account)).size === accounts.length;
  const what = [...(isTold ? ["the account"] : []), ...(providers.length > 1 ? ["the provider"] : [])];
  return new OnbehalfError("ambiguous_grant", `the reference fits ${rows.length} grants`, {
    hint: [...what.map((each) => `name ${each} as well`), "name the grant by its id"].join(", or "),
    details: { accounts, grantIds: accounts.map(({ grantId }) => grantId), providers },
  });
}

/**
 * The labels of a grant, as far as they are asked for and seen. An account that no user of the app is tied to has the
 * label that it would get.
 */
function labelsOf(
  keyring: VaultContext["keyring"],
  row: GrantRow,
  { externalId }: AskedTie,
  sees: SeesId,
): readonly string[] {
  const person = ifReadable(() => openPerson(keyring, row));
  if (person === undefined) return [];
  const ties = person.externalIds.filter((tie) => sees(row, tie.externalId)).filter(fits({ externalId }));
  return ties.length > 0 ? ties.map(({ account }) => account) : [person.profile.sub];
}

/** Whether a grant belongs to a client that is configured here. */
export function isOurs(
  { protocols }: Pick<VaultContext, "protocols">,
  { provider, clientId }: Pick<GrantRow, "provider" | "clientId">,
): boolean {
  return protocols.get(provider)?.client.clientId === clientId;
}

async function matching(context: VaultContext, ref: GrantRef): Promise<GrantRow[]> {
  const { store } = context;
  if (typeof ref === "string" || "grantId" in ref) {
    const row = await store.grantById(typeof ref === "string" ? ref : ref.grantId);
    return row === undefined ? [] : [row];
  }
  const { provider } = ref;
  const named = (row: GrantRow): boolean => provider === undefined || row.provider === provider;
  const hashes = lookupHashes(context, ref);
  const lookUp = (hash: Uint8Array): Promise<GrantRow[]> =>
    "externalId" in ref ? store.grantsByExternalId(hash) : store.grantsBySubject(hash);
  return (await Promise.all(hashes.map(lookUp))).flat().filter(named);
}

/**
 * Of the grants that a reference was found to fit, those that it means.
 *
 * @throws {OnbehalfError} `grant_unreadable`: none of them is
 */
function meantBy(context: VaultContext, ref: GrantRef, rows: readonly GrantRow[], sees: SeesId): readonly GrantRow[] {
  if (typeof ref === "string" || "grantId" in ref) return rows;
  const asked = askedBy(ref);
  const meant = rows.filter((row) => isMeant(context, row, asked.externalId));
  const [stray] = rows;
  if (stray !== undefined && meant.length === 0) throw grantUnreadable(stray.grantId);
  const { account } = asked;
  return account === undefined
    ? meant
    : meant.filter((row) => labelsOf(context.keyring, row, asked, sees).includes(account));
}

/**
 * Whether a row that was found by a hash is the grant that was asked for. The hash stands in clear beside what it leads
 * to: whoever writes the database can let one person's lead to another's grant. What was sealed cannot be changed so.
 * An event tells where the two differ.
 *
 * @param externalId what it was asked for by; undefined where by something else
 */
export function isMeant(
  { keyring, emit }: Pick<VaultContext, "keyring" | "emit">,
  row: GrantRow,
  externalId: string | undefined,
): boolean {
  const person = ifReadable(() => openPerson(keyring, row));
  if (person !== undefined && (externalId === undefined || person.externalIds.some(fits({ externalId })))) return true;
  emit({ type: "unreadable", grantId: row.grantId, provider: row.provider });
  return false;
}

/** The hashes that a reference is looked up by: a subject may be a person at any issuer. */
export function lookupHashes(
  { keyring, protocols }: Pick<VaultContext, "keyring" | "protocols">,
  ref: { readonly subject: string } | { readonly externalId: string },
): Uint8Array[] {
  if ("externalId" in ref) return [externalHash(keyring, ref.externalId)];
  const issuers = new Set([...protocols.values()].map((protocol) => protocol.provider.issuer));
  return [...issuers].map((issuer) => subjectHash(keyring, issuer, ref.subject));
}

/** What a reference is known again by when a grant has changed: the hashes of what it says. */
export function lookedUpBy(
  context: Pick<VaultContext, "keyring" | "protocols">,
  ref: { readonly subject: string } | { readonly externalId: string; readonly account?: string },
  issuer: string,
): { readonly hashes: readonly Uint8Array[]; readonly labels?: readonly Uint8Array[] } {
  const hashes = lookupHashes(context, ref);
  if (!("account" in ref) || ref.account === undefined) return { hashes };
  const { keyring } = context;
  return { hashes, labels: [accountHash(keyring, ref.account), subjectHash(keyring, issuer, ref.account)] };
}

/** The external id and the label that a reference names a grant by; neither where it names it otherwise. */
export function askedBy(ref: GrantRef): AskedTie {
  if (typeof ref !== "object") return {};
  return {
    externalId: "externalId" in ref ? ref.externalId : undefined,
    account: "account" in ref ? ref.account : undefined,
  };
}
