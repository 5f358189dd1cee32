/** Reads the audit log of a run out of its database, and compares it with the tokens that readers got. */
import { masterKeysOf } from "../../src/crypto/master-key.ts";
import type { Secret } from "../../src/core/secret.ts";
import { keyringFromKeys } from "../../src/index.ts";
import { verifyAudit } from "../../src/vault/audit/verify.ts";
import { openStoreKeyring } from "../../src/vault/open/open-keyring.ts";
import type { RunDatabase } from "./database.ts";

/** What the audit log says of a run. */
export interface AuditFindings {
  readonly rows: number;
  /** How many tokens readers were given that the log has no row of. */
  readonly unrecorded: number;
  /** What is wrong with the log itself, in words. */
  readonly faults: readonly string[];
}

/**
 * Each token that a caller got must have a row of its own: however a process was killed, none may leave before its row.
 *
 * @param given the tokens that readers got, by grant
 */
export async function storedAudit(
  database: RunDatabase,
  key: Secret,
  caller: string,
  given: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<AuditFindings> {
  const store = database.open();
  await store.open({ migrate: false });
  try {
    const keyring = await openStoreKeyring(store, await masterKeysOf(keyringFromKeys(key)));
    const recorded = new Map<string, number>();
    for (let after = 0; ;) {
      const page = await store.auditRows({ after, limit: 500, caller });
      for (const { action, grantId } of page) {
        if (action === "token.released") recorded.set(grantId ?? "", (recorded.get(grantId ?? "") ?? 0) + 1);
      }
      const last = page.at(-1);
      if (last === undefined) break;
      after = last.seq;
    }
    const { rows, faults } = await verifyAudit(store, keyring);
    return {
      rows,
      unrecorded: [...given].reduce(
        (sum, [grantId, tokens]) => sum + Math.max(0, tokens.size - (recorded.get(grantId) ?? 0)),
        0,
      ),
      faults: faults.map(({ seq, upTo, problem }) => `rows ${seq} to ${upTo ?? seq} of the audit log: ${problem}`),
    };
  } finally {
    await store.close();
  }
}
