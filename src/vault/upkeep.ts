import { isOnbehalfError } from "../errors.ts";
import { mayTakeOver } from "../lease.ts";
import type { Access } from "./access.ts";
import { protocolOf } from "./context.ts";
import type { VaultContext } from "./context.ts";
import { holderOf } from "./exchanger.ts";
import type { Exchanger } from "./exchanger.ts";
import type { Intake } from "./intake.ts";
import { revokeGrant } from "./revocation.ts";

/** So long may another process's change go unseen here, milliseconds. */
export const changePollMs = 500;

const everyMs = {
  changes: changePollMs,
  attempts: 1_000,
  intakes: 5_000,
  revocations: 15_000,
  sweep: 600_000,
} as const;

/** Ended intakes are kept this long, so that a code that comes again is known for what it is. */
const intakeKeptMs = 86_400_000;

/** What a vault does by itself: sees other processes' changes, finishes what the dead began, retries revocations. */
export class Upkeep {
  readonly #context: VaultContext;
  readonly #access: Access;
  readonly #exchanger: Exchanger;
  readonly #intake: Intake;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #working = new Map<string, Promise<void>>();
  #changeSeq = 0;

  constructor(context: VaultContext, access: Access, exchanger: Exchanger, intake: Intake) {
    this.#context = context;
    this.#access = access;
    this.#exchanger = exchanger;
    this.#intake = intake;
  }

  async start(): Promise<void> {
    this.#changeSeq = await this.#context.store.latestChange();
    this.#every("attempts", () => this.#finishAttempts());
    this.#every("intakes", () => this.#finishIntakes());
    this.#every("revocations", () => this.#finishRevocations());
    this.#every("changes", () => this.#seeChanges());
    this.#every("sweep", () => this.#sweep());
  }

  /** Ends the timers and waits for what they started. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(this.#working.values());
  }

  #every(task: keyof typeof everyMs, work: () => Promise<void>): void {
    const run = (): void => {
      // A slow round is not joined by the next one.
      if (this.#working.has(task)) return;
      const done = work()
        .catch((error: unknown) => {
          if (!isOnbehalfError(error)) throw error;
          this.#context.emit({ type: "store_failed", during: task, message: error.message });
        })
        .finally(() => this.#working.delete(task));
      this.#working.set(task, done);
    };
    if (task !== "changes") run();
    this.#timers.push(setInterval(run, everyMs[task]).unref());
  }

  async #seeChanges(): Promise<void> {
    const { seq, grantIds } = await this.#context.store.changesSince(this.#changeSeq);
    this.#changeSeq = seq;
    if (grantIds.length > 0) this.#access.forget(grantIds);
  }

  /** Attempts of dead owners come before anything else: a grace period may be running out. */
  async #finishAttempts(): Promise<void> {
    const { store, clock } = this.#context;
    for (const attempt of await store.attempts()) {
      const grant = await store.grantById(attempt.grantId);
      if (grant === undefined || !this.#serves(grant.provider, grant.clientId)) continue;
      const { rotation } = protocolOf(this.#context, grant).provider;
      const due = (grant.retryAt ?? 0) <= clock.now();
      if (!due || !mayTakeOver(attempt, holderOf(this.#context, attempt), rotation, clock.now())) continue;
      await this.#ours(this.#exchanger.refresh(attempt.grantId, attempt.generation));
    }
  }

  /** Answers that were journalled and never checked: their owner died, or the provider's keys were out of reach. */
  async #finishIntakes(): Promise<void> {
    const { store, clock, protocols } = this.#context;
    for (const intake of await store.openIntakes()) {
      const protocol = [...protocols.values()].find(({ client }) => client.clientId === intake.clientId);
      if (protocol === undefined || this.#intake.isUnderWay(intake)) continue;
      if (intake.state === "answered") await this.#ours(this.#intake.finish(protocol, intake));
      else if (clock.now() - intake.startedAt > intakeKeptMs) await store.forgetIntake(intake.codeHash);
    }
  }

  async #finishRevocations(): Promise<void> {
    for (const row of await this.#context.store.listGrants({ state: "revoking", limit: 100 })) {
      if (!this.#serves(row.provider, row.clientId)) continue;
      await this.#ours(revokeGrant(this.#context, row));
    }
  }

  async #sweep(): Promise<void> {
    await this.#context.store.sweepIntakes(this.#context.clock.now() - intakeKeptMs);
  }

  #serves(provider: string, clientId: string): boolean {
    return this.#context.protocols.get(provider)?.client.clientId === clientId;
  }

  /** One grant's trouble is told by an event of its own, and does not keep the others waiting. */
  async #ours(work: Promise<unknown>): Promise<void> {
    await work.catch((error: unknown) => {
      if (!isOnbehalfError(error)) throw error;
    });
  }
}
