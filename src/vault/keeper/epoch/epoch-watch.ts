import { randomUUID } from "node:crypto";
import { isMarkDue, maySendAtStandstill, recognise, restoreSince } from "../../../core/epoch.ts";
import type { StorePlace, StoreSelf, KeptMark } from "../../../core/epoch.ts";
import { OnbehalfError, isOnbehalfError } from "../../../core/errors.ts";
import type { EpochRow } from "../../../store/epoch-store.ts";
import type { VaultContext } from "../../context.ts";
import type { EpochView } from "../context.ts";
import type { Priority, RefreshOutcome } from "../keeper.ts";
import type { MarkFile } from "./mark-file.ts";

/** How often the store is looked at, milliseconds. While it stands still, at each call. */
const everyMs = 10_000;
/** When whoever is deferred should come back, milliseconds: an operator has to say something first. */
const retryAfterMs = 60_000;

/** Why nothing is sent while the store stands still. */
export const storeRestored = "store_restored";

/**
 * Looks whether the store is the one that it was: at the start before anything else, and then every few seconds, since a backup may
 * be restored beneath a process that runs. It marks the store, and keeps the mark outside of it.
 */
export class EpochWatch implements EpochView {
  /** A plain value: each refresh looks at it. */
  isStandingStill = false;
  readonly #context: Pick<VaultContext, "store" | "clock" | "emit">;
  readonly #file: MarkFile;
  #kept: KeptMark | undefined;
  #lastEpoch: EpochRow | undefined;
  #lookedAt = -Infinity;

  constructor(context: Pick<VaultContext, "store" | "clock" | "emit">, file: MarkFile) {
    this.#context = context;
    this.#file = file;
  }

  deferred(rotation: unknown, priority: Priority): (RefreshOutcome & { kind: "unavailable" }) | undefined {
    if (maySendAtStandstill(rotation, priority)) return undefined;
    return { kind: "unavailable", error: storeRestored, retryAfterMs };
  }

  isFromBackup(exchangedAt: number | null): boolean {
    return this.#lastEpoch !== undefined && restoreSince([this.#lastEpoch], exchangedAt) !== undefined;
  }

  /** Looks before anything is sent. It writes only where the store has to stand still. */
  async open(): Promise<void> {
    this.#kept = this.#file.read();
    await this.#recognise();
  }

  /** Looks again, where it is time to, and marks the store. */
  async look(): Promise<void> {
    const { clock } = this.#context;
    // Put back, a clock must not keep us from looking.
    if (!this.isStandingStill && Math.abs(clock.now() - this.#lookedAt) < everyMs) return;
    const known = await this.#recognise();
    if (known === undefined) return;
    this.#lookedAt = clock.now();
    await this.#mark(known);
  }

  /** @returns what the store says of itself, and where it is; undefined where it stands still */
  async #recognise(): Promise<{ readonly self: StoreSelf; readonly place: StorePlace } | undefined> {
    const { store, clock, emit } = this.#context;
    const [state, place = { id: "", path: store.location }] = await Promise.all([
      store.epochState(this.#kept?.markNo ?? 0),
      store.place?.(),
    ]).catch((error: unknown) => {
      throw isOnbehalfError(error) ? error : damaged(error);
    });
    const { lastEpoch } = state;
    const self = { ...state, epoch: lastEpoch?.epoch ?? 0, settledAt: lastEpoch?.settledAt ?? null };
    this.#follow(lastEpoch);
    if (this.isStandingStill) return undefined;
    const now = clock.now();
    const isReplicated = store.kind !== "sqlite";
    const found = recognise({ self, kept: this.#kept, place, isReplicated, now });
    if (found.is === "restored" || found.is === "copied") {
      await store.beginStandstill({ why: found.is, noticedAt: now, backupAt: state.lastMark?.at ?? null });
      this.#follow((await store.epochState(0)).lastEpoch);
      if (this.isStandingStill) return undefined;
    }
    if (found.is === "behind") emit({ type: "store_behind", changes: found.changes });
    return { self, place };
  }

  /** Takes over what the store says of its standstill, and tells of a change. */
  #follow(lastEpoch: EpochRow | undefined): void {
    const { emit } = this.#context;
    const was = this.#lastEpoch;
    this.#lastEpoch = lastEpoch;
    this.isStandingStill = lastEpoch?.settledAt === null;
    const isNew = lastEpoch?.epoch !== was?.epoch;
    if (lastEpoch === undefined) return;
    const { why, noticedAt, backupAt, settledAt, outcome } = lastEpoch;
    if (settledAt === null && (isNew || was?.settledAt !== null)) {
      const from = backupAt === null ? null : new Date(backupAt);
      emit({ type: "store_standstill", why, since: new Date(noticedAt), backupAt: from });
    } else if (settledAt !== null && was?.settledAt === null) {
      emit({ type: "store_settled", outcome: outcome ?? "restored" });
    }
  }

  async #mark({ self, place }: { readonly self: StoreSelf; readonly place: StorePlace }): Promise<void> {
    const { store, clock } = this.#context;
    let { lastMark } = self;
    if (isMarkDue(self, clock.now())) {
      const { changeSeq } = self;
      const next = { markNo: (lastMark?.markNo ?? 0) + 1, mark: randomUUID(), at: clock.now(), changeSeq, place };
      // Where another process was first, the next look finds its mark.
      if (!(await store.addMark(next))) return;
      lastMark = next;
    }
    if (lastMark === undefined) return;
    const { markNo, mark } = lastMark;
    const kept = { markNo, mark, changeSeq: self.changeSeq, place, epoch: self.epoch };
    if (JSON.stringify(kept) === JSON.stringify(this.#kept)) return;
    this.#kept = kept;
    this.#file.write(kept);
  }
}

/** Whoever changed these rows by hand may have made a restored store look like the one that it was. */
function damaged(cause: unknown): OnbehalfError<"store_unusable"> {
  return new OnbehalfError("store_unusable", "what the store says of its own past is damaged", {
    hint: "restore a backup, or put right the tables store_marks and store_epochs",
    details: {},
    cause,
  });
}
