import { assertFits, assertOptions, date, filledText } from "../../core/argument-checks.ts";
import type { Rule } from "../../core/argument-checks.ts";
import type { Clock } from "../../core/clock.ts";
import type { Sealer } from "../../crypto/keyring.ts";
import type { AuditRow } from "../../store/audit-store.ts";
import { currentPrincipal } from "../context.ts";
import type { VaultContext } from "../context.ts";
import { pruneAudit } from "./prune.ts";
import type { AuditPruned } from "./prune.ts";
import { verifyAudit } from "./verify.ts";
import type { AuditReport, LoggingStore } from "./verify.ts";

/** One row of the audit log. It never holds a token, a code, a person's name or e-mail address, or a user id of the app. */
export interface AuditLogRow {
  /** Numbers have no gaps. */
  readonly seq: number;
  readonly at: Date;
  /**
   * Whose doing it was: a caller's name; `@library` or what `auditName` says; `@service`, `@keeper`, `@operator`; `@public`
   * for somebody without a key; `@store` before there were keys.
   */
  readonly caller: string;
  /** Such as `grant.lapsed`, `token.released`, `api.called`. */
  readonly action: string;
  /** Absent: it is about no grant. */
  readonly grantId?: string;
  /** Which generation of the grant's tokens it is about. */
  readonly generation?: number;
  readonly outcome: string;
  /** What else there is to know, such as a caller's name or an API's host. */
  readonly detail?: string;
  readonly requestId?: string;
  /** In which of the caller's sessions. Absent: with its own key. */
  readonly sessionId?: string;
  /** The row's link, in hex: a hash of the row before's, and of this row. */
  readonly hash: string;
}

/** The end of the log. Keep it elsewhere: with it, {@link AuditLog.verify} finds rows that were cut off. */
export interface AuditLogHead {
  /** The number of the last row; 0 in an empty log. */
  readonly seq: number;
  /** Its link, in hex. */
  readonly hash: string;
}

/** Which rows are listed. */
export interface AuditLogQuery {
  /** Only rows after this number. Default: 0. */
  readonly after?: number;
  /** Only rows about this grant, by its id. Default: about any, and about none. */
  readonly grantId?: string;
  /** Only this caller's rows. Default: everybody's. */
  readonly caller?: string;
  /** The last rows, the newest first. Default: the first ones, in the order of their numbers. */
  readonly newestFirst?: true;
  /** The most rows to return: 1 to 500. Default: 100. */
  readonly limit?: number;
}

const count = (from: number, to: number): Rule => ({
  fits: (value) => Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to,
  must: `a whole number, ${from} to ${to}`,
});
const rules: Readonly<Record<keyof AuditLogQuery, Rule>> = {
  after: count(0, Number.MAX_SAFE_INTEGER),
  grantId: filledText,
  caller: filledText,
  newestFirst: { fits: (value) => value === true, must: "true" },
  limit: count(1, 500),
};
const headRules: Readonly<Record<keyof AuditLogHead, Rule>> = {
  seq: { ...count(0, Number.MAX_SAFE_INTEGER), required: true },
  hash: {
    fits: (value) => typeof value === "string" && /^(?:[\da-f]{64})?$/.test(value),
    must: "64 hex digits, or empty for an empty log",
    required: true,
  },
};

/** What happened to grants, callers and keys, and which tokens left. */
export class AuditLog {
  readonly #store: LoggingStore;
  readonly #keyring: Sealer;
  readonly #clock: Clock;
  readonly #name: string;

  /** @internal Use `Vault.audit`. */
  constructor({ store, keyring, clock, auditName }: Pick<VaultContext, "store" | "keyring" | "clock" | "auditName">) {
    this.#store = store;
    this.#keyring = keyring;
    this.#clock = clock;
    this.#name = auditName;
  }

  /**
   * A page of rows, in the order of their numbers.
   *
   * @throws {OnbehalfError} `invalid_request`: a member of the query is malformed or unknown
   * @throws {OnbehalfError} `store_unavailable`
   */
  async list(query: AuditLogQuery = {}): Promise<AuditLogRow[]> {
    assertOptions("list", query, rules);
    const { after = 0, limit = 100, grantId, caller, newestFirst } = query;
    const filter = {
      ...(grantId === undefined ? {} : { grantId }),
      ...(caller === undefined ? {} : { caller }),
      ...(newestFirst === undefined ? {} : { newestFirst }),
    };
    return (await this.#store.auditRows({ after, limit, ...filter })).map(rowOf);
  }

  /**
   * The end of the log.
   *
   * @throws {OnbehalfError} `store_unavailable`
   */
  async head(): Promise<AuditLogHead> {
    const { seq, link } = await this.#store.auditHead();
    return { seq, hash: hex(link) };
  }

  /**
   * Reads the whole log, and says what is wrong with it and where.
   *
   * @param head what {@link head} gave once. Without it, rows that were cut off at the end together with the note of where
   *   the log ended are not missed
   * @throws {OnbehalfError} `invalid_request`: the head is malformed
   * @throws {OnbehalfError} `store_unavailable`
   */
  async verify(head?: AuditLogHead): Promise<AuditReport> {
    if (head !== undefined) assertOptions("verify", head, headRules);
    return verifyAudit(this.#store, this.#keyring, { head });
  }

  /**
   * Takes the rows out that are older, after a row that says so: {@link verify} begins after them from then on. A head from
   * before cannot be compared any more. Export the rows first.
   *
   * @param before a day ago at least
   * @throws {OnbehalfError} `invalid_request`: `before` is no time, or less than a day ago
   * @throws {OnbehalfError} `store_unusable`: the log is not as it was written; nothing is changed
   * @throws {OnbehalfError} `store_unavailable`: call again, and what is left goes
   */
  async prune(before: Date): Promise<AuditPruned> {
    assertFits("before", before, { ...date, required: true });
    const principal = currentPrincipal() ?? { caller: this.#name, requestId: null };
    return pruneAudit(this.#store, this.#keyring, before.getTime(), { principal, now: this.#clock.now() });
  }
}

function rowOf({
  seq,
  at,
  caller,
  action,
  grantId,
  generation,
  outcome,
  detail,
  requestId,
  sessionId,
  link,
}: AuditRow): AuditLogRow {
  return {
    seq,
    at: new Date(at),
    caller,
    action,
    ...(grantId === null ? {} : { grantId }),
    ...(generation === null ? {} : { generation }),
    outcome,
    ...(detail === null ? {} : { detail }),
    ...(requestId === null ? {} : { requestId }),
    ...(sessionId === null ? {} : { sessionId }),
    hash: hex(link),
  };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
