/** What must never happen in a schedule, whatever the faults: every promise of the refresh protocol, as a check. */
import type { EventRow } from "../../src/store/event-store.ts";
import type { GrantRow } from "../../src/store/grant-row.ts";
import type { Rescued } from "../../src/vault/keeper/context.ts";
import type { ModelStore } from "../model-store.ts";
import { refreshTokenIn } from "./plain-sealer.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { SimulatedProvider } from "./simulated-provider.ts";

/** The event that a grant's new state must have. */
const states: ReadonlyMap<GrantRow["state"], string> = new Map([
  ["active", "grant.recovered"],
  ["suspect", "grant.suspect"],
  ["lapsed", "grant.lapsed"],
  ["revoked", "grant.revoked"],
]);

/** How the grant of a schedule ended. `unsettled`: no token can be had, and nobody is told why. */
export type End = "served" | "lapsed" | "revoked" | "unsettled";

/** An answer that reached a process: from then on it must not be dropped. */
interface Delivered {
  readonly token: string;
  readonly process: SimulatedProcess;
  /** Whether the process has tried to commit it, or to write it into the rescue journal, even where that failed. */
  commitTried: boolean;
  rescueTried: boolean;
}

/** The provider replaced a token, and its answer is on its way to this process. */
export interface ReplacedToken {
  readonly process: SimulatedProcess;
}

/** What the checks look at. */
interface Watched {
  readonly schedule: { readonly now: number };
  readonly store: ModelStore;
  readonly provider: SimulatedProvider;
  readonly rescued: ReadonlyMap<string, Rescued>;
  readonly isolated: boolean;
}

/** Is told of everything that matters, and collects what broke a promise. */
export class InvariantChecker {
  /** Promises that were broken, in words. */
  readonly violations: string[] = [];
  /** Refresh tokens that were written somewhere durable: into the grant, beside it, or into the rescue journal. */
  readonly stored = new Set<string>();
  /** Families whose grant was consented to anew while they lived: nobody has asked for their end. */
  readonly replacedFamilies = new Set<string>();
  /** The person has ended the app's access at the provider. */
  personRevoked = false;
  /** The store was put back to a backup. */
  wasRestored = false;
  #isStandingStill = false;
  readonly #watched: Watched;
  readonly #delivered: Delivered[] = [];
  readonly #underWay = new Set<ReplacedToken>();
  /** How often the provider called a token invalid. */
  readonly #refusals = new Map<string, number>();
  /** By token: the processes that wait for the provider's answer to it. */
  readonly #exchanging = new Map<string, Set<SimulatedProcess>>();
  /** New tokens that were lost with their process, or on the wire. */
  #lostInFlight = 0;

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /** A process is about to send this token. Two that live must never do so at once, where that can end the family. */
  exchangeBegins(process: SimulatedProcess, token: string): void {
    const { provider, isolated } = this.#watched;
    if (this.#isStandingStill && (provider.rotation !== "none" || process.isInBackground)) {
      this.violations.push(`${process.name} sends ${token} before the operator of the restored store has said so`);
    }
    const exchanging = this.#exchanging.get(token) ?? new Set();
    const other = [...exchanging].find((each) => each !== process && each.alive);
    if (provider.rotation === "strict" && !isolated && other !== undefined) {
      this.violations.push(`${process.name} sends ${token} while ${other.name}, which lives, is exchanging it`);
    }
    exchanging.add(process);
    this.#exchanging.set(token, exchanging);
  }

  /** A process is about to tell the provider of a revocation. */
  revocationBegins(process: SimulatedProcess): void {
    if (!this.#isStandingStill) return;
    this.violations.push(`${process.name} revokes before the operator of the restored store has said so`);
  }

  /** A backup is in the store's place: until the operator's word, nothing may be sent that could end the grant. */
  restored(): void {
    this.wasRestored = true;
    this.#isStandingStill = true;
  }

  settled(): void {
    this.#isStandingStill = false;
  }

  exchangeEnds(process: SimulatedProcess, token: string): void {
    this.#exchanging.get(token)?.delete(process);
  }

  providerRefused(token: string): void {
    this.#refusals.set(token, (this.#refusals.get(token) ?? 0) + 1);
  }

  /** The provider has replaced a token. Its answer will arrive, be lost on the wire, or be lost with the process. */
  providerRotated(process: SimulatedProcess): ReplacedToken {
    const replaced = { process };
    this.#underWay.add(replaced);
    return replaced;
  }

  answerLost(replaced: ReplacedToken | undefined): void {
    if (replaced !== undefined && this.#underWay.delete(replaced)) this.#lostInFlight += 1;
  }

  answerArrived(replaced: ReplacedToken | undefined): void {
    if (replaced !== undefined) this.#underWay.delete(replaced);
  }

  /** A process holds a new token. */
  delivered(process: SimulatedProcess, token: string): void {
    this.#delivered.push({ process, token, commitTried: false, rescueTried: false });
  }

  /** A process tries to write a token into the rescue journal. */
  rescueTried(process: SimulatedProcess, token: string): void {
    const held = this.#heldBy(process, token);
    if (held !== undefined) held.rescueTried = true;
  }

  /** A process tries to commit a token. Where that has failed before, it must have tried the rescue journal meanwhile. */
  commitTried(process: SimulatedProcess, token: string): void {
    const held = this.#heldBy(process, token);
    if (held === undefined) return;
    if (held.commitTried && !held.rescueTried) {
      this.violations.push(`${process.name} commits ${token} again, and has not tried the rescue journal`);
    }
    held.commitTried = true;
  }

  /** A process was killed, and with it all that it alone knew. */
  killed(process: SimulatedProcess): void {
    for (const replaced of this.#underWay) if (replaced.process === process) this.answerLost(replaced);
    this.#lostInFlight += this.#delivered.filter(
      ({ token, process: holder }) => holder === process && !this.stored.has(token),
    ).length;
  }

  /** A grant may lapse on enough evidence only, and only where nothing that lives could still serve it. */
  lapsed(process: SimulatedProcess, grant: GrantRow): void {
    const { provider, schedule, store, rescued, isolated } = this.#watched;
    const { now } = schedule;
    const current = grant.refreshSealed === null ? "" : refreshTokenIn(grant.refreshSealed);
    if (provider.isLive(current, now)) {
      this.violations.push(`${process.name} ends a grant whose refresh token still works`);
    }
    // Where tokens do not rotate, asking a second time is free, so one refusal is not enough.
    // After the operator's word, a restored grant lapses with one, and is looked at once more hours later.
    const needed = provider.rotation === "none" && !this.wasRestored ? 2 : 1;
    const refusals = this.#refusals.get(current) ?? 0;
    if (refusals < needed) {
      this.violations.push(`${process.name} ends a grant after ${refusals} refusals of its token, and needs ${needed}`);
    }
    // Tokens of an earlier consent are no part of this one.
    const isUsable = (token: string): boolean =>
      provider.familyOf(token) === provider.familyOf(current) && provider.isLive(token, now);
    const besideGrant = [...store.lateAnswersOf(grant.grantId), ...rescued.values()];
    const usable = besideGrant.map(({ answerSealed }) => refreshTokenIn(answerSealed)).find(isUsable);
    if (usable !== undefined) {
      this.violations.push(`${process.name} ends a grant although ${usable}, which is kept beside it, works`);
    }
    const held = this.#delivered.find(
      ({ token, process: holder }) => holder.alive && !this.stored.has(token) && isUsable(token),
    );
    if (provider.rotation === "strict" && !isolated && held !== undefined) {
      this.violations.push(
        `${process.name} ends a grant although ${held.process.name}, which lives, holds ${held.token}`,
      );
    }
  }

  /**
   * A commit has changed the grant: exactly its events are there, and none without a change. A crash between a change and its
   * event would leave an app without the news for ever.
   */
  committed(before: GrantRow | undefined, after: GrantRow | undefined, told: readonly EventRow[]): void {
    const types = told.map(({ type }) => type);
    const ends = states.get(after?.state ?? "active");
    const isNew = before === undefined && after !== undefined;
    const isChanged = before !== undefined && before.state !== after?.state && after?.state !== "revoking";
    if (isNew && types[0] !== "grant.created") this.violations.push("a grant was made, and no event says so");
    // Several changes may share a commit: the last of them decides how the grant is then.
    const last = types.findLast((type) => type !== "grant.scopes_changed");
    if (isChanged && last !== ends) {
      this.violations.push(
        `the grant was ${before.state} and is ${after?.state ?? "gone"}, and the event is ${last ?? "none"}`,
      );
    }
  }

  /** The schedule is over, and everything that was left undone has been done. */
  ended(end: End, grant: GrantRow): void {
    for (const { token, process } of this.#delivered) {
      if (!process.alive || this.stored.has(token)) continue;
      this.violations.push(`${process.name} lived on and dropped the answer with ${token}`);
    }
    switch (end) {
      case "unsettled":
        this.violations.push("the grant can neither be served nor is it said why");
        break;
      case "revoked":
        this.#endedRevoked(grant);
        break;
      case "served":
        this.#endedServed(grant);
        break;
      case "lapsed":
        this.#endedLapsed(grant);
    }
  }

  /** A new token that only this process has. */
  #heldBy(process: SimulatedProcess, token: string): Delivered | undefined {
    if (this.stored.has(token)) return undefined;
    return this.#delivered.find((each) => each.process === process && each.token === token);
  }

  #endedRevoked({ grantId }: GrantRow): void {
    const { provider, schedule, store, rescued } = this.#watched;
    if (store.lateAnswersOf(grantId).length + rescued.size > 0) {
      this.violations.push("the grant is revoked, and answers are left beside it");
    }
    // What was stored after the backup is known to nobody any more.
    if (this.wasRestored) return;
    for (const token of this.stored) {
      if (!provider.isLive(token, schedule.now) || this.replacedFamilies.has(provider.familyOf(token) ?? "")) continue;
      this.violations.push(`the grant is revoked, and ${token} still works, which nobody knows of any more`);
    }
  }

  #endedServed({ refreshSealed }: GrantRow): void {
    const { provider, schedule } = this.#watched;
    const token = refreshSealed === null ? "" : refreshTokenIn(refreshSealed);
    if (!provider.isLive(token, schedule.now)) this.violations.push("the grant is called active and its token is dead");
  }

  #endedLapsed({ reason }: GrantRow): void {
    const { provider, isolated } = this.#watched;
    if (reason === null) this.violations.push("the grant lapsed without a reason");
    // The provider may have replaced the token since the backup.
    if (this.personRevoked || this.wasRestored) return;
    // Where nothing can be known of other processes, a token may be spent a second time after some minutes, although a
    // paused process holds its successor. Without that, a grant whose process is gone could never be used again.
    if (isolated && provider.rotation !== "none") return;
    // A grant may be lost where a crash or the wire took a new token, and only where the provider rotates.
    if (provider.rotation === "none") this.violations.push("a grant was lost whose token never rotates");
    else if (this.#lostInFlight === 0) this.violations.push("a grant was lost, and no answer was lost in flight");
  }
}
