import type { Clock } from "../../core/clock.ts";
import { OnbehalfError } from "../../core/errors.ts";
import { isInFuture } from "../../core/recorded-time.ts";
import type { Secret } from "../../core/secret.ts";
import { isMac, rightsMac } from "../../crypto/keyring.ts";
import type { Sealer } from "../../crypto/keyring.ts";
import type {
  DashboardLinkRow,
  DashboardStore,
  OperatorRole,
  OperatorSessionRow,
} from "../../store/dashboard-store.ts";
import type { AuditEntry, AuditStore } from "../../store/audit-store.ts";
import { actingAs } from "../context.ts";
import { newKey, partsOf } from "./key-text.ts";
import { UseNotes } from "./use-notes.ts";

export type { OperatorRole } from "../../store/dashboard-store.ts";

/** How long a link is good, milliseconds. */
const linkMs = 600_000;
/** How long a sign-in lasts, whatever is done, milliseconds. */
const sessionMs = 12 * 3_600_000;
/** How long one lasts that nobody uses, milliseconds. */
const idleMs = 2 * 3_600_000;
/** How exactly the last use is known, milliseconds: each note of it is a write. */
const noteUseEveryMs = 60_000;
const mostListed = 500;

/** Somebody who is signed in to the dashboard, in one browser. */
export interface Operator {
  /** No secret. */
  readonly sessionId: string;
  /** `reader`: sees what an operator sees, and changes nothing. */
  readonly role: OperatorRole;
  readonly signedInAt: Date;
  /** When the browser was used last, to a minute. */
  readonly lastUsedAt: Date;
  /** When the sign-in ends: at its time, or two hours after its last use. */
  readonly endsAt: Date;
}

/** A link that lets somebody into the dashboard, once. */
export interface DashboardLink {
  /** What the link's address ends in. */
  readonly secret: Secret;
  readonly role: OperatorRole;
  readonly expiresAt: Date;
}

/**
 * Who may use the dashboard: whoever has opened a link that somebody with the store's keys has made. There are no passwords
 * and no accounts. Of links and sign-ins the store has keyed hashes alone.
 */
export class Operators {
  readonly #store: DashboardStore & Pick<AuditStore, "appendAudit">;
  readonly #keyring: Sealer;
  readonly #now: () => number;
  readonly #uses: UseNotes;

  /** @internal Use `Vault.operators`. */
  constructor({
    store,
    keyring,
    clock,
  }: {
    readonly store: DashboardStore & Pick<AuditStore, "appendAudit">;
    readonly keyring: Sealer;
    readonly clock: Clock;
  }) {
    this.#store = store;
    this.#keyring = keyring;
    this.#now = () => clock.peoplesTime?.() ?? clock.now();
    this.#uses = new UseNotes((id, at) => store.noteOperatorUse(id, at), noteUseEveryMs);
  }

  /**
   * Makes a link. It is good for ten minutes and lets one browser in.
   *
   * @param role what whoever opens it may do. Default `operator`
   * @throws {OnbehalfError} `store_unavailable`
   */
  async createLink(role: OperatorRole = "operator"): Promise<DashboardLink> {
    const made = newKey("obl");
    const createdAt = this.#now();
    const expiresAt = createdAt + linkMs;
    const linkHash = this.#keyring.hash("dashboard_link", made.id, made.secret);
    const row = { linkId: made.id, linkHash, role, createdAt, expiresAt };
    await this.#store.insertDashboardLink({ ...row, operatorMac: this.#mac(row) });
    return { secret: made.key, role, expiresAt: new Date(expiresAt) };
  }

  /**
   * What a link lets somebody do. Looking does not use it up.
   *
   * @returns undefined: there is no such link, or none any more
   * @throws {OnbehalfError} `store_unavailable`
   */
  async roleOf(link: string): Promise<OperatorRole | undefined> {
    return (await this.#linkOf(link))?.role;
  }

  /**
   * Uses a link up, and signs a browser in.
   *
   * @returns who it is now, and what its cookie holds; undefined: the link was used, has expired, or is none
   * @throws {OnbehalfError} `store_unavailable`
   */
  async signIn(link: string): Promise<{ readonly operator: Operator; readonly cookie: Secret } | undefined> {
    const row = await this.#linkOf(link);
    if (row === undefined) return undefined;
    const made = newKey("obo");
    const begunAt = this.#now();
    const session = {
      sessionId: made.id,
      cookieHash: this.#keyring.hash("operator_cookie", made.id, made.secret),
      role: row.role,
      begunAt,
      endsAt: begunAt + sessionMs,
      lastUsedAt: begunAt,
    };
    const whole = { ...session, operatorMac: this.#mac(session) };
    const begun = await this.#as(made.id, null, () => this.#store.beginOperatorSession(row, whole));
    return begun ? { operator: operatorOf(whole), cookie: made.key } : undefined;
  }

  /**
   * Whose cookie it is. It is looked up each time, so that one that was ended is refused at once, in every process.
   *
   * @throws {OnbehalfError} `unauthorized`: it is none, has ended, or was not used for two hours
   * @throws {OnbehalfError} `store_unavailable`
   */
  async authenticate(cookie: string | undefined): Promise<Operator> {
    const parts = partsOf(cookie ?? "");
    const row = parts?.kind === "obo" ? await this.#store.operatorSession(parts.id) : undefined;
    const now = this.#now();
    const hash = parts && this.#keyring.hash("operator_cookie", parts.id, parts.secret);
    const isOurs = row !== undefined && hash !== undefined && isMac(row.cookieHash, hash) && this.#isBound(row);
    if (!isOurs || !isLive(row, now)) throw signedOut();
    this.#uses.note(row.sessionId, row.lastUsedAt, now);
    return operatorOf(row);
  }

  /**
   * Everybody who is signed in, those first whose sign-in ends first.
   *
   * @throws {OnbehalfError} `store_unavailable`
   */
  async list(): Promise<Operator[]> {
    const now = this.#now();
    const rows = await this.#store.operatorSessions(now, mostListed);
    return rows.filter((row) => this.#isBound(row) && isLive(row, now)).map(operatorOf);
  }

  /**
   * Ends a sign-in. Its browser is refused from then on, by every process.
   *
   * @returns false: there is no such sign-in
   * @throws {OnbehalfError} `store_unavailable`
   */
  async signOut(sessionId: string): Promise<boolean> {
    return this.#store.endOperatorSession(sessionId);
  }

  /**
   * Records what an operator did that changes nothing in the store, such as asking a provider.
   *
   * @throws {OnbehalfError} `store_unavailable`
   */
  async note({ sessionId }: Operator, requestId: string, entry: Omit<AuditEntry, "generation">): Promise<void> {
    const principal = { caller: "@operator", requestId, sessionId };
    await this.#store.appendAudit([[{ ...entry, generation: null }, principal]]);
  }

  /** Runs work for an operator: the audit log says that what it changes, the operator changed, and in which sign-in. */
  during<T>({ sessionId }: Operator, requestId: string, work: () => T): T {
    return this.#as(sessionId, requestId, work);
  }

  /** Resolves when what is known of the last use of sign-ins has been written, or could not be. */
  async settled(): Promise<void> {
    await this.#uses.settled();
  }

  #as<T>(sessionId: string, requestId: string | null, work: () => T): T {
    return actingAs({ caller: "@operator", requestId, sessionId }, work);
  }

  async #linkOf(link: string): Promise<DashboardLinkRow | undefined> {
    const parts = partsOf(link);
    if (parts?.kind !== "obl") return undefined;
    const row = await this.#store.dashboardLink(parts.id);
    const hash = this.#keyring.hash("dashboard_link", parts.id, parts.secret);
    if (row === undefined || !isMac(row.linkHash, hash) || !this.#isBound(row)) return undefined;
    const now = this.#now();
    return row.expiresAt > now && !isInFuture(row.createdAt, now) ? row : undefined;
  }

  #isBound(row: DashboardLinkRow | OperatorSessionRow): boolean {
    return isMac(row.operatorMac, this.#mac(row));
  }

  #mac(row: object): Buffer {
    return rightsMac(this.#keyring, row, "dashboard_rights");
  }
}

function operatorOf({ sessionId, role, begunAt, endsAt, lastUsedAt }: OperatorSessionRow): Operator {
  return {
    sessionId,
    role,
    signedInAt: new Date(begunAt),
    lastUsedAt: new Date(lastUsedAt),
    endsAt: new Date(Math.min(endsAt, lastUsedAt + idleMs)),
  };
}

/** One that was begun by a clock that was ahead would last for as much longer. */
function isLive({ begunAt, endsAt, lastUsedAt }: OperatorSessionRow, now: number): boolean {
  return !isInFuture(begunAt, now) && endsAt > now && lastUsedAt + idleMs > now;
}

function signedOut(): OnbehalfError<"unauthorized"> {
  return new OnbehalfError("unauthorized", "nobody is signed in to the dashboard in this browser", {
    hint: "make a link with: onbehalf dashboard link; it lets one browser in",
    details: {},
  });
}
