import { randomUUID } from "node:crypto";
import { isOnbehalfError } from "../../../core/errors.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import { fromJournal, journalText } from "../../../oauth/token-set.ts";
import type { TokenSet } from "../../../oauth/token-set.ts";
import { backOffMs } from "../../../core/refresh.ts";
import type { GrantRow, TokenColumns } from "../../../store/store.ts";
import type { KeeperContext } from "../../context.ts";
import type { RefreshOutcome } from "../local-keeper.ts";
import { keepLateAnswer } from "./late-answers.ts";
import type { RescuedAnswer } from "./rescue-journal.ts";
import { ifReadable, openRefreshToken, sealTokens } from "../../grants/sealed-grant.ts";
import { suspectIfRevokedSince } from "../revoke/siblings.ts";

/** What the token endpoint answered, and when it was asked. */
export interface ReceivedTokens {
  readonly tokens: TokenSet;
  readonly receivedAt: number;
}

/** How long callers wait for a store that fails after the answer came, before they get the token from memory. */
const callersWaitMs = 1_000;
/**
 * After so long without success the answer goes into the rescue journal as well, milliseconds. A store that is locked or
 * unreachable takes its time before it even fails, and a crash does not wait for it.
 */
const rescueAfterMs = 250;

/**
 * Commits an answer onto the generation whose refresh token was sent. Where the store fails, it is tried again until
 * it works, and kept in the rescue journal meanwhile: this process may hold the only copy of the new refresh token.
 *
 * @returns what callers get, soon; and `stored`, which settles when the answer is safe
 */
export function commitAnswer(
  context: KeeperContext,
  protocol: Protocol,
  grant: GrantRow,
  answer: ReceivedTokens,
): { readonly outcome: Promise<RefreshOutcome>; readonly stored: Promise<unknown> } {
  const stored = commitUntilStored(context, protocol.provider.name, grant, answer);
  const inMemory: RefreshOutcome = {
    kind: "held-in-memory",
    accessToken: answer.tokens.accessToken,
    expiresAt: answer.receivedAt + answer.tokens.expiresInSeconds * 1000,
  };
  const patience = context.sleep(callersWaitMs).then(() => inMemory);
  return { outcome: Promise.race([stored, patience]), stored };
}

async function commitUntilStored(
  context: KeeperContext,
  provider: string,
  grant: GrantRow,
  answer: ReceivedTokens,
): Promise<RefreshOutcome> {
  const { emit, random, sleep } = context;
  const columns = columnsFor(context, grant, answer);
  const rescued = rescueUnlessStored(context, grant, answer);
  for (let failures = 0; ;) {
    try {
      await commitOnce(context, provider, grant, answer, columns);
      await rescued.stored();
      return { kind: "newer" };
    } catch (error) {
      // Whatever this is, the answer must not end with this process.
      await rescued.now();
      if (!isOnbehalfError(error, "store_unavailable")) throw error;
      failures += 1;
      if (failures === 1) emit({ type: "answer_kept", grantId: grant.grantId, provider, as: "memory" });
      await sleep(50 + backOffMs(failures, random(), 100, 5_000));
    }
  }
}

/** Keeps an answer in the rescue journal once storing it has taken too long, and drops it there when it is stored. */
function rescueUnlessStored(
  context: KeeperContext,
  grant: GrantRow,
  answer: ReceivedTokens,
): { readonly now: () => Promise<void>; readonly stored: () => Promise<void> } {
  const { rescue, sleep } = context;
  let isStored = false;
  let keeping: Promise<string | undefined> | undefined;
  const now = async (): Promise<void> => {
    // One that could not be kept, on a disk that is full, is tried again.
    if (isStored || (await keeping) !== undefined) return;
    keeping = rescue.keep(sealedForRescue(context, grant, answer));
    await keeping;
  };
  void sleep(rescueAfterMs).then(now);
  return {
    now,
    async stored() {
      isStored = true;
      const name = await keeping;
      if (name !== undefined) rescue.drop(name);
    },
  };
}

function columnsFor({ keyring }: KeeperContext, grant: GrantRow, answer: ReceivedTokens): TokenColumns {
  // What the answer replaces is not opened: were it damaged, the answer would heal it.
  const refreshToken = answer.tokens.refreshToken === undefined ? openRefreshToken(keyring, grant) : undefined;
  const kept =
    refreshToken === undefined ? undefined : { refreshToken, expiresAt: grant.refreshExpiresAt, scope: grant.scope };
  return sealTokens(keyring, grant, grant.generation + 1, answer, kept);
}

/** One try: onto the grant, or beside it as a late answer where it has moved on. Throws `store_unavailable`. */
async function commitOnce(
  context: KeeperContext,
  provider: string,
  grant: GrantRow,
  answer: ReceivedTokens,
  columns: TokenColumns,
): Promise<void> {
  const { store, clock, emit, protocols } = context;
  const { grantId, generation } = grant;
  const committed =
    (await store.commitAttempt(grantId, generation, columns, clock.now())) ||
    // A commit that was reported as failed may have gone through: then what stands there is our very own bytes.
    isSame((await store.grantById(grantId))?.accessSealed, columns.accessSealed);
  if (committed) {
    const record = protocols.get(provider)?.provider;
    if (record !== undefined) await suspectIfRevokedSince(context, record, grant, answer.receivedAt);
    emit({ type: "refreshed", grantId, provider, generation: generation + 1 });
    return;
  }
  await keepLateAnswer(context, grant, answer);
  emit({ type: "answer_kept", grantId, provider, as: "orphan" });
}

function isSame(stored: Uint8Array | null | undefined, ours: Uint8Array | null): boolean {
  return stored !== null && stored !== undefined && ours !== null && Buffer.compare(stored, ours) === 0;
}

/**
 * Commits answers that a process could not store before it ended.
 *
 * @param only of this grant; of all where it is left out
 * @returns whether there was any that could be opened
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function commitRescued(context: KeeperContext, only?: string): Promise<boolean> {
  const { store, keyring, rescue } = context;
  let found = false;
  for (const { name, answer: rescued } of rescue.kept()) {
    if (only !== undefined && rescued.grantId !== only) continue;
    const grant = await store.grantById(rescued.grantId);
    const text = keyring.open("refresh", rescued.answerSealed, placeOf(rescued));
    const answer = text === undefined ? undefined : fromJournal(text);
    // Sealed by another store or for a grant that is not there: not ours to judge, and not ours to delete.
    if (grant === undefined || answer === undefined) continue;
    const parent = { ...grant, generation: rescued.parentGeneration };
    const columns =
      grant.generation === parent.generation ? ifReadable(() => columnsFor(context, grant, answer)) : undefined;
    if (columns === undefined) await keepLateAnswer(context, parent, answer);
    // By the name in the row: the answer is safe to store whether or not that client is configured just now.
    else await commitOnce(context, grant.provider, grant, answer, columns);
    rescue.drop(name);
    found = true;
  }
  return found;
}

function sealedForRescue(
  { keyring }: KeeperContext,
  { grantId, clientId, generation }: GrantRow,
  answer: ReceivedTokens,
): RescuedAnswer {
  const identity = { grantId, clientId, parentGeneration: generation, recordId: randomUUID() };
  const text = journalText(answer.tokens, answer.receivedAt).expose();
  return { ...identity, answerSealed: keyring.seal("refresh", text, placeOf(identity)) };
}

function placeOf({ clientId, recordId, parentGeneration }: Omit<RescuedAnswer, "answerSealed">): {
  clientId: string;
  column: string;
  recordId: string;
  generation: number;
} {
  return { clientId, column: "rescue.answer", recordId, generation: parentGeneration };
}
