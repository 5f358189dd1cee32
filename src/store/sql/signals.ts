import { lapseGrant } from "./attempts.ts";
import { insertList, keyOf, number, rowReader, selectList, valuesWriter } from "./column.ts";
import { lockState, suspectGrant } from "./grants.ts";
import { grantSignalColumns, signalColumns } from "./tables.ts";
import type { Database, Transaction } from "./sql.ts";
import type { SignalStore, SignalToTake } from "../signal-store.ts";

const signalValues = valuesWriter(signalColumns);
const readGrantSignal = rowReader(grantSignalColumns);
const grantSignalValues = valuesWriter(grantSignalColumns);
const receivedColumn = number("received_at");

const insert = `INSERT INTO signals ${insertList(signalColumns)} ON CONFLICT DO NOTHING`;
const keep = `INSERT INTO grant_signals ${insertList(grantSignalColumns)}
  ON CONFLICT (grant_id, event) DO UPDATE SET said_reason = EXCLUDED.said_reason, happened_at = EXCLUDED.happened_at,
    received_at = EXCLUDED.received_at, effect = EXCLUDED.effect
  WHERE grant_signals.happened_at <= EXCLUDED.happened_at`;
const lookSoon = `UPDATE grants SET look_at = :at, retry_at = NULL, updated_at = :at
  WHERE grant_id = :grantId AND state IN ('active', 'suspect', 'lapsed')`;
const selectOfGrant = `SELECT ${selectList(grantSignalColumns)} FROM grant_signals WHERE grant_id = :grantId
  ORDER BY received_at DESC, event`;
const selectVerified = "SELECT received_at FROM signals WHERE state_hash = :stateHash ORDER BY received_at LIMIT 1";
const selectLast = "SELECT received_at FROM signals ORDER BY received_at DESC LIMIT 1";
/** In one transaction, many would hold up everybody else's writes. */
const sweptAtOnce = 500;
const selectEdge = `SELECT received_at FROM signals WHERE received_at < :receivedBefore
  ORDER BY received_at LIMIT 1 OFFSET :sweptAtOnce`;

export function signalStore(database: Database): SignalStore {
  return {
    takeSignal: async (signal, effects) => {
      let isMoved = false;
      // In one order, so that two events about the same grants do not wait for each other.
      const inOrder = effects.toSorted((a, b) => (a.grantId < b.grantId ? -1 : Number(a.grantId > b.grantId)));
      const taking = database.transaction(
        async (sql): Promise<"taken" | "seen"> => {
          isMoved = false;
          if ((await sql.run(insert, signalValues(signal))) === 0) return "seen";
          for (const [n, effect] of inOrder.entries()) {
            const { grantId, generation, state } = effect;
            const now = await lockState(sql, grantId);
            // Its own earlier effect on the grant changed that one, and nobody else could.
            const isSame = n > 0 && inOrder[n - 1]?.grantId === grantId;
            isMoved = !isSame && (now?.generation !== generation || now.state !== state);
            // To be undone with the note that the event came: whoever reads the grants again takes it again.
            if (isMoved) throw new Error("a grant has changed");
            await takeEffect(sql, effect, signal.receivedAt);
          }
          return "taken";
        },
        [keyOf(signal.signalHash), ...inOrder.map(({ grantId }) => grantId)],
      );
      return taking.catch((error: unknown) => {
        if (isMoved) return "moved";
        throw error;
      });
    },

    signalsOf: async (grantId) => (await database.all(selectOfGrant, { grantId })).map(readGrantSignal),

    verifiedAt: async (stateHash) => {
      const [row] = await database.all(selectVerified, { stateHash });
      return row === undefined ? undefined : receivedColumn.read(row);
    },

    lastSignalAt: async () => {
      const [row] = await database.all(selectLast);
      return row === undefined ? undefined : receivedColumn.read(row);
    },

    async sweepSignals(receivedBefore) {
      for (let swept = 0; ;) {
        const [edge] = await database.all(selectEdge, { receivedBefore, sweptAtOnce });
        const upTo = edge === undefined ? receivedBefore - 1 : receivedColumn.read(edge);
        swept += await database.transaction((sql) =>
          sql.run("DELETE FROM signals WHERE received_at <= :upTo", { upTo }),
        );
        if (edge === undefined) return swept;
      }
    },
  };
}

async function takeEffect(sql: Transaction, effect: SignalToTake, at: number): Promise<void> {
  const { grantId, generation, event, saidReason, happenedAt, lapse } = effect;
  await sql.run(
    keep,
    grantSignalValues({ grantId, event, saidReason, happenedAt, receivedAt: at, effect: effect.effect }),
  );
  switch (effect.effect) {
    case "lapse": {
      if (lapse === undefined) throw new TypeError("a lapse needs a reason");
      await lapseGrant(sql, { grantId, generation, error: event, at, detail: event, ...lapse });
      return;
    }
    case "suspect":
      await sql.run(lookSoon, { grantId, at });
      await suspectGrant(sql, { grantId, at, why: "signalled", detail: event });
      return;
    case "look":
      await sql.run(lookSoon, { grantId, at });
      break;
    case "note":
      break;
  }
  sql.note({ action: "grant.signalled", grantId, generation, outcome: effect.effect, detail: event });
}
