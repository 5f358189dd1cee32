import { insertList, rowReader, selectList, valuesWriter } from "./column.ts";
import { depositColumns } from "./tables.ts";
import type { Database, Transaction } from "./sql.ts";
import type { DepositRow, DepositStore } from "../deposit-store.ts";

const readDeposit = rowReader(depositColumns);
const depositValues = valuesWriter(depositColumns);

const selectByToken = `SELECT ${selectList(depositColumns)} FROM deposits WHERE token_hash = :tokenHash`;
/** A token of which nobody knew may be sent again by whoever asks for it, and then becomes a grant. */
const upsert = `INSERT INTO deposits ${insertList(depositColumns)} ON CONFLICT (token_hash)
  DO UPDATE SET grant_id = EXCLUDED.grant_id, result_mac = EXCLUDED.result_mac, deposited_at = EXCLUDED.deposited_at`;
/** What is known of a grant stays. */
const insertLost = `INSERT INTO deposits ${insertList(depositColumns)} ON CONFLICT (token_hash)
  DO UPDATE SET deposited_at = EXCLUDED.deposited_at WHERE deposits.grant_id IS NULL`;
const endIntake = `DELETE FROM intakes
  WHERE code_hash = :tokenHash AND state = 'spending' AND started_at = :startedAt`;

export function depositStore(database: Database): DepositStore {
  return {
    depositByToken: async (tokenHash) => {
      const [row] = await database.all(selectByToken, { tokenHash });
      return row === undefined ? undefined : readDeposit(row);
    },

    loseDeposit: (tokenHash, startedAt) =>
      database.transaction(async (sql) => {
        if ((await sql.run(endIntake, { tokenHash, startedAt })) === 0) return false;
        const lost = { tokenHash, grantId: null, resultMac: null, depositedAt: startedAt };
        await sql.run(insertLost, depositValues(lost));
        sql.note({ action: "deposit.lost", grantId: null, generation: null, outcome: "unknown", detail: null });
        return true;
      }),
  };
}

/** Remembers which grant a token has become, in the transaction that stores the grant. */
export async function rememberDeposit(sql: Transaction, row: DepositRow): Promise<void> {
  await sql.run(upsert, depositValues(row));
}
