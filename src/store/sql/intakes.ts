import { ownerText, readOwner } from "./owner.ts";
import { Columns } from "./sql.ts";
import type { Database, SqlRow } from "./sql.ts";
import type { IntakeRow, IntakeState, IntakeStore } from "../store.ts";

const columns = `code_hash, state, client_id, owner, context_sealed, answer_sealed, grant_id, rejection, started_at,
  ended_at`;

export function intakeStore(database: Database): IntakeStore {
  return {
    beginIntake: ({ codeHash, clientId, owner, contextSealed }, at, replaces) =>
      database.transaction(async (sql) => {
        for (;;) {
          const begun = await sql.run(
            `INSERT INTO intakes (code_hash, state, client_id, owner, context_sealed, started_at)
             VALUES (?, 'spending', ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
            codeHash,
            clientId,
            ownerText(owner),
            contextSealed,
            at,
          );
          if (begun === 1) return { kind: "begun" };
          if (replaces !== undefined) {
            const takenOver = await sql.run(
              `UPDATE intakes SET client_id = ?, owner = ?, context_sealed = ?, started_at = ?
               WHERE code_hash = ? AND state = 'spending' AND started_at = ?`,
              clientId,
              ownerText(owner),
              contextSealed,
              // Another start than the one taken over, whatever the clock says: else a third would take over, too.
              Math.max(at, replaces.startedAt + 1),
              codeHash,
              replaces.startedAt,
            );
            if (takenOver === 1) return { kind: "begun" };
          }
          const [known] = await sql.all(`SELECT ${columns} FROM intakes WHERE code_hash = ?`, codeHash);
          // Forgotten between the two statements: it may be begun now.
          if (known !== undefined) return { kind: "known", intake: intakeRow(known) };
        }
      }),

    journalAnswer: (codeHash, answerSealed) =>
      database.transaction(
        async (sql) =>
          // An answer outranks what somebody else was told about the same code: the provider gives only one.
          (await sql.run(
            `UPDATE intakes SET state = 'answered', answer_sealed = ?, rejection = NULL, ended_at = NULL
             WHERE code_hash = ?`,
            answerSealed,
            codeHash,
          )) === 1,
      ),

    rejectIntake: (codeHash, rejection, at, from) =>
      database.transaction(
        async (sql) =>
          (await sql.run(
            `UPDATE intakes SET state = 'rejected', rejection = ?, answer_sealed = NULL, ended_at = ?
             WHERE code_hash = ? AND state IN (?, ?)`,
            rejection,
            at,
            codeHash,
            from ?? "spending",
            from ?? "answered",
          )) === 1,
      ),

    forgetIntake: async (codeHash) => {
      await database.transaction((sql) =>
        sql.run("DELETE FROM intakes WHERE code_hash = ? AND state = 'spending'", codeHash),
      );
    },

    openIntakes: async () =>
      (await database.all(`SELECT ${columns} FROM intakes WHERE ended_at IS NULL ORDER BY started_at, code_hash`)).map(
        intakeRow,
      ),

    sweepIntakes: (endedBefore) =>
      database.transaction((sql) => sql.run("DELETE FROM intakes WHERE ended_at < ?", endedBefore)),
  };
}

function intakeRow(row: SqlRow): IntakeRow {
  const column = new Columns(row);
  return {
    codeHash: column.bytes("code_hash"),
    state: column.text("state") as IntakeState,
    clientId: column.text("client_id"),
    owner: readOwner(column.text("owner")),
    contextSealed: column.bytes("context_sealed"),
    answerSealed: column.bytesOrNull("answer_sealed"),
    grantId: column.textOrNull("grant_id"),
    rejection: column.textOrNull("rejection"),
    startedAt: column.number("started_at"),
    endedAt: column.numberOrNull("ended_at"),
  };
}
