import type { Owner } from "../lease.ts";
import { Columns } from "./sql.ts";
import type { Database, SqlRow } from "./sql.ts";
import type { IntakeRow, IntakeState, IntakeStore } from "./store.ts";

const columns = `code_hash, state, client_id, owner, context_sealed, answer_sealed, grant_id, rejection, started_at,
  ended_at`;

export function intakeStore(database: Database): IntakeStore {
  return {
    beginIntake: ({ codeHash, clientId, owner, contextSealed }, at, replaces) =>
      database.transaction(async (sql) => {
        const [known] = await sql.all(`SELECT ${columns} FROM intakes WHERE code_hash = ?`, codeHash);
        if (known !== undefined) {
          const intake = intakeRow(known);
          if (intake.state !== "spending" || intake.startedAt !== replaces?.startedAt) return { kind: "known", intake };
          await sql.run("DELETE FROM intakes WHERE code_hash = ?", codeHash);
        }
        await sql.run(
          `INSERT INTO intakes (code_hash, state, client_id, owner, context_sealed, started_at)
           VALUES (?, 'spending', ?, ?, ?, ?)`,
          codeHash,
          clientId,
          JSON.stringify(owner),
          contextSealed,
          at,
        );
        return { kind: "begun" };
      }),

    journalAnswer: async (codeHash, answerSealed) => {
      await database.transaction((sql) =>
        sql.run("UPDATE intakes SET state = 'answered', answer_sealed = ? WHERE code_hash = ?", answerSealed, codeHash),
      );
    },

    rejectIntake: async (codeHash, rejection, at) => {
      await database.transaction((sql) =>
        sql.run(
          "UPDATE intakes SET state = 'rejected', rejection = ?, answer_sealed = NULL, ended_at = ? WHERE code_hash = ?",
          rejection,
          at,
          codeHash,
        ),
      );
    },

    forgetIntake: async (codeHash) => {
      await database.transaction((sql) => sql.run("DELETE FROM intakes WHERE code_hash = ?", codeHash));
    },

    openIntakes: async () =>
      (await database.all(`SELECT ${columns} FROM intakes WHERE ended_at IS NULL ORDER BY started_at`)).map(intakeRow),

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
    owner: JSON.parse(column.text("owner")) as Owner,
    contextSealed: column.bytes("context_sealed"),
    answerSealed: column.bytesOrNull("answer_sealed"),
    grantId: column.textOrNull("grant_id"),
    rejection: column.textOrNull("rejection"),
    startedAt: column.number("started_at"),
    endedAt: column.numberOrNull("ended_at"),
  };
}
