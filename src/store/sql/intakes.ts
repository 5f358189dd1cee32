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
    beginIntake: async ({ codeHash, clientId, owner, contextSealed }, at, replaces) => {
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
      const values = intakeValues(begun);
      const keys = [keyOf(codeHash)];
      // Almost every code is a new one.
      if (replaces === undefined && (await database.runOnce(insert, values, keys)) === 1) return { kind: "begun" };
      return database.transaction(async (sql): ReturnType<IntakeStore["beginIntake"]> => {
        for (;;) {
          if ((await sql.run(insert, values)) === 1) return { kind: "begun" };
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
          if (known === undefined) continue;
          const intake = readIntake(known);
          return isSame(intake, begun) ? { kind: "begun" } : { kind: "known", intake };
        }
      }, keys);
    },

    intakeByCode: async (codeHash) => {
      const [known] = await database.all(selectByCode, { codeHash });
      return known === undefined ? undefined : readIntake(known);
    },

    journalAnswer: async (codeHash, answerSealed, contextSealed) => {
      const answer = { answerSealed, contextSealed, codeHash };
      const keys = [keyOf(codeHash)];
      if ((await database.runOnce(keepAnswer, answer, keys)) === 1) return true;
      return database.transaction(async (sql) => {
        for (;;) {
          // An answer outranks what another owner was told about the same code: the provider answers only once.
          if ((await sql.run(keepAnswer, answer)) === 1) return true;
          const [known] = (await sql.all(selectByCode, { codeHash })).map(readIntake);
          if (known === undefined) return false;
          // Another hand has made a grant of it, or holds it. To bring it in once more would put its refresh token over a newer one.
          if (known.state === "done" || known.heldUntil !== null) return true;
          // It was begun between the two statements. To say that it is known would drop the answer.
        }
      }, keys);
    },

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

/**
 * Whether it was begun by this very request, whose connection was lost before it heard of that: what is sealed is sealed once
 * for each request, and no two seals are alike.
 */
function isSame(known: IntakeRow, begun: IntakeRow): boolean {
  return (
    known.state === "spending" &&
    known.startedAt === begun.startedAt &&
    ownerText(known.owner) === ownerText(begun.owner) &&
    Buffer.compare(known.contextSealed, begun.contextSealed) === 0
  );
}
