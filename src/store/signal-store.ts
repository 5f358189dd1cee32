/* Security events that a provider has sent, and what became of grants by them. Times are milliseconds since the epoch. */
import type { LapseReason } from "../core/grant-state.ts";
import type { GrantRow } from "./grant-row.ts";

/**
 * What an event does to a grant. `lapse`: the grant has ended. `suspect`: its next use asks the provider, and it is looked at
 * soon. `look`: one that is suspect or has lapsed is looked at soon. `note`: nothing, but that it was said.
 */
export type SignalEffect = "lapse" | "suspect" | "look" | "note";

/** What was said of a grant. */
export interface GrantSignal {
  readonly grantId: string;
  /** The short name of the event, such as `tokens-revoked`. */
  readonly event: string;
  /** The event's own word for why; null where it has none. */
  readonly saidReason: string | null;
  readonly happenedAt: number;
  readonly receivedAt: number;
  readonly effect: SignalEffect;
}

/** A {@link GrantSignal} that is to be acted upon, for the grant as it was read. */
export interface SignalToTake extends Omit<GrantSignal, "receivedAt">, Pick<GrantRow, "generation" | "state"> {
  /** Of a `lapse`: why, and when the lapsed grant is looked at once more. */
  readonly lapse?: { readonly reason: LapseReason; readonly lookAt: number | null };
}

export interface TakenSignal {
  /** Keyed hash of who sent the event, and what they call it. */
  readonly signalHash: Uint8Array;
  /** Of a verification: keyed hash of the state that it was asked for with. */
  readonly stateHash: Uint8Array | null;
  readonly receivedAt: number;
}

export interface SignalStore {
  /**
   * Takes an event: notes that it came, and changes all grants that it is about, durably and in one transaction.
   *
   * @returns `taken`; `seen`: it was taken before, and nothing was changed; `moved`: nothing was changed, since one of the
   *   grants is not at the generation and in the state that it was read in: read them again
   */
  takeSignal(signal: TakenSignal, effects: readonly SignalToTake[]): Promise<"taken" | "seen" | "moved">;
  /** @returns what was said of a grant, the latest first: one for each kind of event */
  signalsOf(grantId: string): Promise<GrantSignal[]>;
  /** @returns when a verification with this state came; undefined where none did */
  verifiedAt(stateHash: Uint8Array): Promise<number | undefined>;
  /** @returns when the latest event came; undefined where none did, or all are swept */
  lastSignalAt(): Promise<number | undefined>;
  /**
   * Forgets which events came before that time. What they said of grants stays.
   *
   * @returns how many
   */
  sweepSignals(receivedBefore: number): Promise<number>;
}
