import { insertList, keyOf, number, ownerText, rowReader, selectList, valuesWriter } from "./column.ts";
import { forMany, typesOf } from "./for-many.ts";
import { intakeColumns } from "./tables.ts";
import type { Database } from "./sql.ts";
import type { IntakeRow, IntakeStore } from "../intake-store.ts";

const readIntake = rowReader(intakeColumns);
const intakeValues = valuesWriter(intakeColumns);

const select = `SELECT ${selectList(intakeColumns)} FROM intakes`;
const ofCode = { key: "codeHash", column: "code_hash", types: typesOf(intakeColumns) };
const selectByCode = forMany(`${select} WHERE code_hash = :codeHash`, ofCode);
const selectOpen = `${select} WHERE ended_at IS NULL AND held_until IS NULL ORDER BY started_at, code_hash`;
const selectHeld = `${select} WHERE held_until IS NOT NULL AND held_until < :until
  ORDER BY held_until, code_hash LIMIT :limit`;
const insert = forMany(`INSERT INTO intakes ${insertList(intakeColumns)} ON CONFLICT DO NOTHING`, ofCode);
const keepAnswer = forMany(
  `UPDATE intakes SET state = 'answered', answer_sealed = :answerSealed, context_sealed = :contextSealed,
     rejection = NULL, ended_at = NULL
   WHERE code_hash = :codeHash AND state <> 'done' AND held_until IS NULL`,
  ofCode,
);
/** After a day of many sign-ins, one transaction for all of them would hold up everybody else's writes. */
const sweptAtOnce = 500;
const selectEdge = `SELECT ended_at FROM intakes WHERE ended_at < :endedBefore
  ORDER BY ended_at LIMIT 1 OFFSET :sweptAtOnce`;
const selectRejectedEdge = `SELECT ended_at FROM intakes WHERE ended_at >= :since AND ended_at < :before
  ORDER BY ended_at LIMIT 1 OFFSET :sweptAtOnce`;
const nothing = new Uint8Array();
const endColumn = number("ended_at");

export function intakeStore(database: Database): IntakeStore {
  return {
    beginIntake: ({ codeHash, clientId, owner, contextSealed }, at, replaces) =>
      database.transaction(
        async (sql) => {
          const begun: IntakeRow = {
            codeHash,
            state: "spending",
            clientId,
            owner,
            contextSealed,
            answerSealed: null,
            grantId: null,
            resultMac: null,
            assertionSealed: null,
            rejection: null,
            startedAt: at,
            endedAt: null,
            heldUntil: null,
          };
          for (;;) {
            if ((await sql.run(insert, intakeValues(begun))) === 1) return { kind: "begun" };
            if (replaces !== undefined) {
              const takenOver = await sql.run(
                `UPDATE intakes SET client_id = :clientId, owner = :owner, context_sealed = :contextSealed,
                 started_at = :startedAt
               WHERE code_hash = :codeHash AND state = 'spending' AND started_at = :replacedStart`,
                {
                  clientId,
                  owner: ownerText(owner),
                  contextSealed,
                  // Another time than the one that is replaced, whatever the clock says: else a third owner would take over, too.
                  startedAt: Math.max(at, replaces.startedAt + 1),
                  codeHash,
                  replacedStart: replaces.startedAt,
                },
              );
              if (takenOver === 1) return { kind: "begun" };
            }
            const [known] = await sql.all(selectByCode, { codeHash });
            // Removed between the two statements: it may begin now.
            if (known !== undefined) return { kind: "known", intake: readIntake(known) };
          }
        },
        [keyOf(codeHash)],
      ),

    intakeByCode: async (codeHash) => {
      const [known] = await database.all(selectByCode, { codeHash });
      return known === undefined ? undefined : readIntake(known);
    },

    journalAnswer: (codeHash, answerSealed, contextSealed) =>
      database.transaction(
        async (sql) => {
          for (;;) {
            // An answer outranks what another owner was told about the same code: the provider answers only once.
            const kept = await sql.run(keepAnswer, { answerSealed, contextSealed, codeHash });
            if (kept === 1) return true;
            const [known] = (await sql.all(selectByCode, { codeHash })).map(readIntake);
            if (known === undefined) return false;
            // Another hand has made a grant of it, or holds it. To bring it in once more would put its refresh token over a newer one.
            if (known.state === "done" || known.heldUntil !== null) return true;
            // It was begun between the two statements. To say that it is known would drop the answer.
          }
        },
        [keyOf(codeHash)],
      ),

    takeIntake: async (codeHash, owner, at, replaces) =>
      (await database.transaction((sql) =>
        sql.run(
          `UPDATE intakes SET owner = :owner, started_at = :startedAt
           WHERE code_hash = :codeHash AND state = 'answered' AND held_until IS NULL AND started_at = :replacedStart`,
          {
            owner: ownerText(owner),
            // Another time than the one that is replaced, whatever the clock says: else a third owner would take it, too.
            startedAt: Math.max(at, replaces.startedAt + 1),
            codeHash,
            replacedStart: replaces.startedAt,
          },
        ),
      )) === 1,

    rejectIntake: (codeHash, rejection, at, from) =>
      database.transaction(
        async (sql) => {
          const ended = await sql.run(
            `UPDATE intakes SET state = 'rejected', rejection = :rejection, context_sealed = :nothing,
             answer_sealed = NULL, ended_at = :at
           WHERE code_hash = :codeHash AND state IN (:from, :orFrom) AND held_until IS NULL`,
            { rejection, at, codeHash, nothing, from: from ?? "spending", orFrom: from ?? "answered" },
          );
          if (ended === 0) return false;
          const outcome = from === "answered" ? "answer_discarded" : "refused";
          sql.note({ action: "code.rejected", grantId: null, generation: null, outcome, detail: null });
          return true;
        },
        [keyOf(codeHash)],
      ),

    keepAssertion: (codeHash, assertionSealed) =>
      database.transaction(
        async (sql) => {
          const kept = await sql.run(
            `UPDATE intakes SET assertion_sealed = :assertionSealed
           WHERE code_hash = :codeHash AND state = 'done' AND assertion_sealed IS NULL`,
            { codeHash, assertionSealed },
          );
          if (kept === 1) return undefined;
          const [known] = await sql.all(selectByCode, { codeHash });
          return (known === undefined ? undefined : readIntake(known).assertionSealed) ?? nothing;
        },
        [keyOf(codeHash)],
      ),

    holdIntake: async (codeHash, answerSealed, until) => {
      const held = await database.transaction((sql) =>
        sql.run(
          `UPDATE intakes SET answer_sealed = :answerSealed, held_until = :until
           WHERE code_hash = :codeHash AND state = 'answered' AND held_until IS NULL`,
          { codeHash, answerSealed, until },
        ),
      );
      return held === 1;
    },

    releaseIntake: async (codeHash, owner, contextSealed) => {
      const released = await database.transaction((sql) =>
        sql.run(
          `UPDATE intakes SET held_until = NULL, owner = :owner, context_sealed = :contextSealed
           WHERE code_hash = :codeHash AND held_until IS NOT NULL`,
          { codeHash, owner: ownerText(owner), contextSealed },
        ),
      );
      return released === 1;
    },

    heldIntakes: async (until, limit) => (await database.all(selectHeld, { until, limit })).map(readIntake),

    forgetIntake: async (codeHash) => {
      await database.transaction((sql) =>
        sql.run("DELETE FROM intakes WHERE code_hash = :codeHash AND state = 'spending'", { codeHash }),
      );
    },

    openIntakes: async () => (await database.all(selectOpen)).map(readIntake),

    async sweepIntakes(endedBefore) {
      for (let swept = 0; ;) {
        const [edge] = await database.all(selectEdge, { endedBefore, sweptAtOnce });
        const upTo = edge === undefined ? endedBefore - 1 : endColumn.read(edge);
        swept += await database.transaction((sql) => sql.run("DELETE FROM intakes WHERE ended_at <= :upTo", { upTo }));
        if (edge === undefined) return swept;
      }
    },

    async sweepRejected(since, before) {
      for (let swept = 0, from = since; ;) {
        const [edge] = await database.all(selectRejectedEdge, { since: from, before, sweptAtOnce });
        const upTo = edge === undefined ? before - 1 : endColumn.read(edge);
        swept += await database.transaction((sql) =>
          sql.run("DELETE FROM intakes WHERE ended_at >= :from AND ended_at <= :upTo AND state = 'rejected'", {
            from,
            upTo,
          }),
        );
        if (edge === undefined) return swept;
        from = upTo + 1;
      }
    },
  };
}
