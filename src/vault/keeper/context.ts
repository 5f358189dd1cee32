import type { Rotation } from "../../core/refresh.ts";
import type { Liveness, Owner } from "../../core/take-over.ts";
import type { VaultContext } from "../context.ts";
import type { Gate } from "./gate/gate.ts";
import type { Keeper, Priority, RefreshOutcome } from "./keeper.ts";

/** What the parts of the keeper share, besides what every part of the vault has. */
export interface KeeperContext extends VaultContext {
  /** Ids of the attempts and intakes that this process is working on. */
  readonly running: Set<string>;
  /** One for each provider, by the provider's name. */
  readonly gates: ReadonlyMap<string, Gate>;
  /** Where answers are kept while the store fails. */
  readonly rescue: RescueJournal;
  /** How refreshes have ended, by provider: how often each. Absent: nobody watches. */
  readonly refreshes?: Map<string, Map<string, number>>;
  /** Whether the store was found damaged, so that this process writes nothing more to it. Absent: nobody watches. */
  readonly damage?: { isFound: boolean };
  /** How long before the end of a consent apps are told of it, milliseconds. Default: a week. */
  readonly endsSoonMs?: number;
  /** Whether the store is the one that it was. Absent where nobody looks, as in tests that make a context by hand. */
  readonly epoch?: EpochView;
  /** Refreshes a grant by the one protocol that there is. It is given here so that codes/ need not know refresh/. */
  readonly refresh: Keeper["refresh"];
}

/** What the parts of the keeper ask about the store's epoch. */
export interface EpochView {
  /** Whether the store is a backup or a copy, as far as is known, and no operator has said that it may go on. */
  readonly isStandingStill: boolean;
  /** How a refresh ends that must not be sent while the store stands still; undefined where it may be sent. */
  deferred(rotation: Rotation, priority: Priority): (RefreshOutcome & { kind: "unavailable" }) | undefined;
  /**
   * Whether a grant's tokens came back with a backup, and no exchange has replaced them since.
   *
   * @param exchangedAt when the last exchange was, milliseconds since the epoch; null: nobody knows
   */
  isFromBackup(exchangedAt: number | null): boolean;
}

/** An answer to a refresh that the store could not take. It is sealed for the grant and generation whose token was sent. */
export interface RescuedAnswer {
  readonly grantId: string;
  readonly clientId: string;
  readonly parentGeneration: number;
  /** Part of the place that the answer was sealed for. */
  readonly recordId: string;
  readonly answerSealed: Uint8Array;
}

/** An answer to a code that the store could not take, sealed as in the store's own journal. */
export interface RescuedCodeAnswer {
  readonly codeHash: Uint8Array;
  readonly clientId: string;
  /** What was requested with the code. */
  readonly contextSealed: Uint8Array;
  readonly answerSealed: Uint8Array;
}

/** What a rescue journal holds. */
export type Rescued = RescuedAnswer | RescuedCodeAnswer;

/** A journal outside the store, for answers that came while the store failed. */
export interface RescueJournal {
  /**
   * Keeps an answer durably.
   *
   * @returns its name in the journal; undefined where that failed as well, and the answer is in memory only
   */
  keep(answer: Rescued): Promise<string | undefined>;
  /** Drops an answer that is stored, by its name. */
  drop(name: string): void;
  /**
   * The answers that are there. The process that received one may still be trying to store it: to commit an answer
   * twice does no harm.
   */
  kept(): { readonly name: string; readonly answer: Rescued }[];
  /** How many there are. It reads none. */
  count(): number;
}

/**
 * What is known of the owner of an attempt or intake. Where the owner is this vault and nothing is working on it any
 * more, it was given up half-way, and the answer is `dead`.
 *
 * @param workId under which name {@link KeeperContext.running} lists the work
 */
export async function livenessOfOwner(
  { livenessOf, running }: KeeperContext,
  owner: Owner,
  workId: string,
): Promise<Liveness> {
  const liveness = await livenessOf(owner);
  return liveness === "mine" && !running.has(workId) ? "dead" : liveness;
}
