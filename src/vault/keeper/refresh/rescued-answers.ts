import { ifReadable } from "../../errors/grant-unreadable.ts";
import type { KeeperContext } from "../context.ts";
import { commitOnce, tokenColumns } from "./commit-answer.ts";
import { keepLateAnswer } from "./late-answers.ts";
import { openRescued } from "./rescue-journal.ts";

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
    const received = openRescued(keyring, rescued);
    // Sealed by another store or for a grant that is not there: not ours to judge, and not ours to delete.
    if (grant === undefined || received === undefined) continue;
    const parent = { ...grant, generation: rescued.parentGeneration };
    const columns =
      grant.generation === parent.generation ? ifReadable(() => tokenColumns(context, grant, received)) : undefined;
    if (columns === undefined) await keepLateAnswer(context, parent, received);
    else await commitOnce(context, grant, received, columns);
    rescue.drop(name);
    found = true;
  }
  return found;
}
