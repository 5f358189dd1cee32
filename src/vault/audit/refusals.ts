import { fullBucket, take } from "../../core/token-bucket.ts";
import type { BucketSize, TokenBucket } from "../../core/token-bucket.ts";
import type { AuditEntry, AuditPrincipal } from "../../store/audit-store.ts";
import { principalKey } from "../context.ts";
import type { VaultContext } from "../context.ts";

/**
 * Why a caller's key was refused. Of `missing`, `malformed` and `unknown` nobody knows whose it was; `changed`: the
 * caller's row was changed by hand.
 */
export type KeyRefusal = "missing" | "malformed" | "unknown" | "expired" | "revoked" | "changed";

/** Counts what was refused, until it is written down. */
export type CountRefusal = (
  caller: Pick<AuditPrincipal, "caller" | "sessionId">,
  action: "key.refused" | "request.denied",
  outcome: string,
) => void;

/** What was refused to one caller, or in one of its sessions, for one reason. */
interface Refused {
  readonly principal: AuditPrincipal;
  readonly action: string;
  readonly outcome: string;
  times: number;
  since: number;
  rows: TokenBucket;
}

/** How many rows there are of one reason and caller: a score at once, and one in half an hour while it goes on. */
const rowsOfReason: BucketSize = { burst: 20, perSecond: 1 / 1_800 };
/** How many reasons of how many callers are known. Callers are the operator's own, and a stranger is one of them. */
const limit = 5_000;

/**
 * Records refused keys and denied requests. Anybody can cause them as often as they like, so that they are counted in
 * memory, and a row says how often. Whatever somebody without a key sends leaves some 70 rows a day for each of three
 * reasons, about 80 kB. A crash loses the counts of the last minute.
 */
export class Refusals {
  readonly #context: Pick<VaultContext, "store" | "clock" | "audit">;
  readonly #refused = new Map<string, Refused>();

  constructor(context: Pick<VaultContext, "store" | "clock" | "audit">) {
    this.#context = context;
  }

  /** Waits for nothing. */
  readonly count: CountRefusal = (who, action, outcome) => {
    if (this.#context.audit === "none") return;
    const principal = { ...who, requestId: null };
    const key = `${principalKey(principal)} ${action} ${outcome}`;
    const now = this.#context.clock.now();
    let refused = this.#refused.get(key);
    if (refused === undefined) {
      if (this.#refused.size >= limit) this.#forgetOne();
      refused = { principal, action, outcome, times: 0, since: now, rows: fullBucket(rowsOfReason, now) };
      this.#refused.set(key, refused);
    }
    if (refused.times === 0) refused.since = now;
    refused.times += 1;
  };

  /**
   * Writes what was counted, as far as there may be a row of it by now. To be called every minute or so.
   *
   * @param everything writes all, whenever there was a row before
   * @throws {OnbehalfError} `store_unavailable`: the counts stay
   */
  async writeCounts(everything = false): Promise<void> {
    const now = this.#context.clock.now();
    const due = [...this.#refused.values()].filter((refused) => {
      if (refused.times === 0) return false;
      const { bucket, waitMs } = take(refused.rows, rowsOfReason, now);
      refused.rows = bucket;
      return waitMs === 0 || everything;
    });
    if (due.length === 0) return;
    const counts = due.map(({ times }) => times);
    await this.#context.store.appendAudit(
      due.map((refused, n) => [entryOf(refused, counts[n] ?? 0), refused.principal]),
    );
    for (const [n, refused] of due.entries()) {
      refused.times -= counts[n] ?? 0;
      refused.since = now;
    }
  }

  #forgetOne(): void {
    for (const [key, { times }] of this.#refused) {
      if (times > 0) continue;
      this.#refused.delete(key);
      return;
    }
    const [oldest] = this.#refused.keys();
    if (oldest !== undefined) this.#refused.delete(oldest);
  }
}

function entryOf({ action, outcome, since }: Refused, times: number): AuditEntry {
  const detail = `${times} ${times === 1 ? "time" : "times"} since ${new Date(since).toISOString()}`;
  return { action, grantId: null, generation: null, outcome, detail };
}
