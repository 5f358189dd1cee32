import type { Liveness, Owner } from "../../core/take-over.ts";
import type { VaultContext } from "../context.ts";
import type { Gate } from "./gate/gate.ts";

/** What the parts of the keeper share, beside what every part of the vault has. */
export interface KeeperContext extends VaultContext {
  /** Ids of the attempts and intakes that this process is working on. */
  readonly running: Set<string>;
  /** One for each provider. */
  readonly gates: ReadonlyMap<string, Gate>;
  readonly rescue: RescueJournal;
}

/** An answer that the store could not take: sealed, and bound to the grant and generation it answers. */
export interface RescuedAnswer {
  readonly grantId: string;
  readonly clientId: string;
  readonly parentGeneration: number;
  /** Part of where it was sealed for. */
  readonly recordId: string;
  readonly answerSealed: Uint8Array;
}

/** A journal outside the store, for answers that came while the store was failing. */
export interface RescueJournal {
  /** Keeps an answer durably. Returns its name, or undefined where even that failed; memory is then all there is. */
  keep(answer: RescuedAnswer): Promise<string | undefined>;
  drop(name: string): void;
  /** What is there. A process may still be trying to store one of them: committing it twice does no harm. */
  kept(): { readonly name: string; readonly answer: RescuedAnswer }[];
}

/** What is known of the owner of a piece of work. Work of our own that nobody is at was given up half-way. */
export async function livenessOfOwner(
  { livenessOf, running }: KeeperContext,
  owner: Owner,
  workId: string,
): Promise<Liveness> {
  const liveness = await livenessOf(owner);
  return liveness === "mine" && !running.has(workId) ? "dead" : liveness;
}
