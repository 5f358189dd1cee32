/** That the store stands still, for the overview: nothing that an operator does to a grant helps before that has ended. */
import type { Vault } from "../../../index.ts";
import { checkFoundDamage, checkStanding } from "../../doctor/check-standing.ts";
import { isFoundDamaged } from "../../doctor/examine-running.ts";
import type { Finding } from "../../doctor/finding.ts";

/** What an operator runs, in this order. */
const commands = {
  still: ["onbehalf store status", "onbehalf store restored", "onbehalf store moved"],
  damaged: ["onbehalf doctor"],
} as const;

/**
 * The member of the overview that says so, in the words of `onbehalf doctor`; none where the store goes on.
 *
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function standstillOf(vault: Vault): Promise<{ readonly standing_still?: object }> {
  const [still] = checkStanding(await vault.storeStanding());
  if (still !== undefined) return bodyOf(still, commands.still);
  const [damaged] = checkFoundDamage(await isFoundDamaged(vault));
  return damaged === undefined ? {} : bodyOf(damaged, commands.damaged);
}

function bodyOf({ message, hint }: Finding, run: readonly string[]): { readonly standing_still: object } {
  return { standing_still: { means: message, fix: hint, commands: run } };
}
