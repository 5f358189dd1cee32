import { isOnbehalfError } from "../../../core/errors.ts";
import { ifReadable } from "../../errors/grant-unreadable.ts";
import type { KeeperContext, RescuedAnswer } from "../context.ts";
import { commitOnce, tokenColumns } from "./commit-answer.ts";
import { keepLateAnswer } from "../late-answers.ts";
import { isOfAnotherGrant } from "../sealed-tokens.ts";
import { openRescued } from "./rescue-journal.ts";

/**
 * Commits the answers to refreshes in the rescue journal, which a process could not store before it ended.
 *
 * @param only the id of one grant; the answers of all grants by default
 * @returns whether there was an answer that opens
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function commitRescued(context: KeeperContext, only?: string): Promise<boolean> {
  const { rescue } = context;
  let found = false;
  const failures: unknown[] = [];
  for (const { name, answer: rescued } of rescue.kept()) {
    if (!("grantId" in rescued) || (only !== undefined && rescued.grantId !== only)) continue;
    try {
      if (!(await commitKept(context, rescued))) continue;
      rescue.drop(name);
      found = true;
    } catch (error) {
      // While the store is away, none can be committed. Any other trouble is this answer's own: the others go on.
      if (isOnbehalfError(error, "store_unavailable")) throw error;
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return found;
}

/** Returns false where the answer is not ours to commit. */
async function commitKept(context: KeeperContext, rescued: RescuedAnswer): Promise<boolean> {
  const { store, keyring } = context;
  const grant = await store.grantById(rescued.grantId);
  const received = openRescued(keyring, rescued);
  // Another store sealed it, or its grant is not here. It may be the only copy of a token of that store: do not delete
  // it.
  if (grant === undefined || received === undefined) return false;
  // A process of an earlier version kept it, and compared no ID token. Nobody may use what is in it.
  if (isOfAnotherGrant(context, grant, received.tokens)) return true;
  const parent = { ...grant, generation: rescued.parentGeneration };
  const columns =
    grant.generation === parent.generation ? ifReadable(() => tokenColumns(context, grant, received)) : undefined;
  if (columns === undefined) await keepLateAnswer(context, parent, received);
  else await commitOnce(context, grant, received, columns);
  return true;
}
