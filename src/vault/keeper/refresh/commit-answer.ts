import type { GrantState } from "../../../core/grant.ts";
import type { ReceivedTokens } from "../../../oauth/token-set.ts";
import type { GrantRow, TokenColumns } from "../../../store/store.ts";
import type { KeeperContext } from "../context.ts";
import type { RefreshOutcome } from "../keeper.ts";
import { openRefreshToken, sealTokens } from "../sealed-tokens.ts";
import { storeDurably } from "../store-durably.ts";
import { keepLateAnswer } from "./late-answers.ts";
import { sealForRescue } from "./rescue-journal.ts";

/** How long callers wait for a store that fails after the answer came, before they get the token from memory, milliseconds. */
const callerWaitsMs = 1_000;
/**
 * After so long without success the answer goes into the rescue journal as well, milliseconds. A store that is locked or
 * unreachable takes its time before it even fails, and a crash does not wait for it.
 */
const rescueAfterMs = 250;

/** What callers get, and when the answer is safe. */
export interface Commit {
  readonly outcome: Promise<RefreshOutcome> | RefreshOutcome;
  readonly stored: Promise<unknown>;
}

/** Nothing is to be stored any more. */
export function settled(outcome: RefreshOutcome): Commit {
  return { outcome, stored: Promise.resolve() };
}

/**
 * Commits an answer onto the generation whose refresh token was sent. Where the store fails, it is tried again until
 * it works, and kept in the rescue journal meanwhile: this process may hold the only copy of the new refresh token.
 */
export function commitAnswer(context: KeeperContext, grant: GrantRow, received: ReceivedTokens): Commit {
  const { grantId, provider } = grant;
  const columns = tokenColumns(context, grant, received);
  const rescue = rescueUnlessStored(context, grant, received);
  const { stored, soon } = storeDurably(
    context,
    async () => {
      const end = await commitOnce(context, grant, received, columns);
      await rescue.stored();
      return end;
    },
    {
      callerWaitsMs,
      async onFailure(_error, failures) {
        // Whatever this is, the answer must not end with this process.
        await rescue.now();
        if (failures === 1) context.emit({ type: "answer_kept", grantId, provider, as: "memory" });
      },
    },
  );
  const outcome = soon.then((end): RefreshOutcome => {
    if (end.kind === "overdue") return refreshed(grant, received, false);
    return end.value === "active" ? refreshed(grant, received, true) : { kind: "newer" };
  });
  return { outcome, stored };
}

function refreshed(grant: GrantRow, { tokens, receivedAt }: ReceivedTokens, isStored: boolean): RefreshOutcome {
  return {
    kind: "refreshed",
    accessToken: tokens.accessToken,
    issuedAt: receivedAt,
    expiresAt: receivedAt + tokens.expiresInSeconds * 1000,
    scope: tokens.scope ?? grant.scope,
    isStored,
  };
}

/** Keeps an answer in the rescue journal once storing it has taken too long, and drops it there when it is stored. */
function rescueUnlessStored(
  { rescue, keyring, sleep, onFault }: KeeperContext,
  grant: GrantRow,
  received: ReceivedTokens,
): { readonly now: () => Promise<void>; readonly stored: () => Promise<void> } {
  let isStored = false;
  let keeping: Promise<string | undefined> | undefined;
  async function now(): Promise<void> {
    // One that could not be kept, on a disk that is full, is tried again.
    if (isStored || (await keeping) !== undefined) return;
    keeping = rescue.keep(sealForRescue(keyring, grant, received));
    await keeping;
  }
  sleep(rescueAfterMs, undefined, { ref: false })
    .then(now)
    .catch((error: unknown) => onFault(error, "the rescue of an answer"));
  return {
    now,
    async stored() {
      isStored = true;
      const name = await keeping;
      if (name !== undefined) rescue.drop(name);
    },
  };
}

/** The columns that an answer brings to the generation after the one whose token was sent. */
export function tokenColumns({ keyring }: KeeperContext, grant: GrantRow, received: ReceivedTokens): TokenColumns {
  // What the answer replaces is not opened: were it damaged, the answer would heal it.
  const refreshToken = received.tokens.refreshToken === undefined ? openRefreshToken(keyring, grant) : undefined;
  const { refreshExpiresAt: expiresAt, scope } = grant;
  const kept = refreshToken === undefined ? undefined : { refreshToken, expiresAt, scope };
  const columns = sealTokens(keyring, grant, grant.generation + 1, received, kept);
  // RFC 6749 section 5.1: an answer without a scope changes none, whether or not the refresh token is a new one.
  return received.tokens.scope === undefined ? { ...columns, scope } : columns;
}

/**
 * One try: onto the grant, or beside it as a late answer where the grant has moved on.
 *
 * @returns how the grant stands now; undefined where the answer was kept beside it
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function commitOnce(
  context: KeeperContext,
  grant: GrantRow,
  received: ReceivedTokens,
  columns: TokenColumns,
): Promise<GrantState | undefined> {
  const { store, clock, emit, protocols } = context;
  const { grantId, provider, generation } = grant;
  // A revocation that ends other grants suspects them. Where it did so after we asked, it may have ended our answer too.
  const endsSiblings = protocols.get(provider)?.provider.revocationEndsSiblings === true;
  const suspectSince = endsSiblings ? received.receivedAt : undefined;
  const state =
    (await store.commitAttempt(grantId, generation, columns, clock.now(), suspectSince)) ??
    (await stateOfOurs(context, grantId, columns));
  if (state === undefined) {
    await keepLateAnswer(context, grant, received);
    emit({ type: "answer_kept", grantId, provider, as: "orphan" });
    return undefined;
  }
  emit({ type: "refreshed", grantId, provider, generation: generation + 1 });
  return state;
}

/** A commit that was reported as failed may have gone through: then what stands there is our very own bytes. */
async function stateOfOurs(
  { store }: KeeperContext,
  grantId: string,
  { accessSealed: ours }: TokenColumns,
): Promise<GrantState | undefined> {
  const row = await store.grantById(grantId);
  if (row === undefined || row.accessSealed === null || ours === null) return undefined;
  return Buffer.compare(row.accessSealed, ours) === 0 ? row.state : undefined;
}
