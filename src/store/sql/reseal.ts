import { number, rowReader, selectList, text } from "./column.ts";
import type { ColumnsOf } from "./column.ts";
import {
  callerColumns,
  connectColumns,
  grantColumns,
  intakeColumns,
  lateAnswerColumns,
  sessionColumns,
  ticketColumns,
} from "./tables.ts";
import type { Database } from "./sql.ts";
import type {
  ConnectPlace,
  GrantPlace,
  IntakePlace,
  LateAnswerPlace,
  ResealStore,
  SealedConnect,
  SealedGrant,
  SealedIntake,
  SealedLateAnswer,
  SealedTicket,
  TicketPlace,
} from "../reseal-store.ts";

const { grantId, clientId, generation, profileSealed, accessSealed, refreshSealed } = grantColumns;
const grantParts: ColumnsOf<GrantPlace & SealedGrant> = {
  grantId,
  clientId,
  generation,
  profileSealed,
  accessSealed,
  refreshSealed,
};
const intakeParts: ColumnsOf<IntakePlace & SealedIntake> = {
  codeHash: intakeColumns.codeHash,
  clientId: intakeColumns.clientId,
  contextSealed: intakeColumns.contextSealed,
  answerSealed: intakeColumns.answerSealed,
  assertionSealed: intakeColumns.assertionSealed,
};
const { connectHash, askedSealed, flowSealed } = connectColumns;
const connectParts: ColumnsOf<ConnectPlace & SealedConnect> = { connectHash, askedSealed, flowSealed };
const lateAnswerParts: ColumnsOf<LateAnswerPlace & SealedLateAnswer> = {
  lateAnswerId: lateAnswerColumns.lateAnswerId,
  grantId: text("owner_id"),
  clientId: text("client_id"),
  parentGeneration: number("parent_generation"),
  answerSealed: lateAnswerColumns.answerSealed,
};
const ticketParts: ColumnsOf<TicketPlace & SealedTicket> = {
  ticketHash: ticketColumns.ticketHash,
  contextSealed: ticketColumns.contextSealed,
};
const readGrant = rowReader(grantParts);
const readIntake = rowReader(intakeParts);
const readConnect = rowReader(connectParts);
const readLateAnswer = rowReader(lateAnswerParts);
const readTicket = rowReader(ticketParts);
const readSession = rowReader(sessionColumns);
const progressColumn = text("value");

const selectGrants = `SELECT ${selectList(grantParts)} FROM grants WHERE grant_id > :after ORDER BY grant_id LIMIT :limit`;
const selectIntakes = `SELECT ${selectList(intakeParts)} FROM intakes
  WHERE code_hash > :after ORDER BY code_hash LIMIT :limit`;
const selectTickets = `SELECT ${selectList(ticketParts)} FROM tickets
  WHERE ticket_hash > :after ORDER BY ticket_hash LIMIT :limit`;
const selectSessions = `SELECT ${selectList(sessionColumns)} FROM sessions
  WHERE session_id > :after ORDER BY session_id LIMIT :limit`;
const selectConnects = `SELECT ${selectList(connectParts)} FROM connects
  WHERE connect_hash > :after ORDER BY connect_hash LIMIT :limit`;
const selectLateAnswers = `SELECT orphan_id, grants.grant_id AS owner_id, client_id, parent_generation, answer_sealed
  FROM orphans JOIN grants ON grants.grant_id = orphans.grant_id
  WHERE orphan_id > :after ORDER BY orphan_id LIMIT :limit`;
const selectProgress = "SELECT value FROM meta WHERE name = 'reseal'";
const noteProgress = `INSERT INTO meta (name, value) VALUES ('reseal', :after)
  ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value WHERE meta.value = :before`;

// The trigger that numbers changes leaves out an update that counts reseals: what is in the row has not changed.
const resealGrant = `UPDATE grants SET profile_sealed = :profileSealed, access_sealed = :accessSealed,
    refresh_sealed = :refreshSealed, reseals = reseals + 1
  WHERE grant_id = :grantId AND generation = :generation AND profile_sealed = :profileBefore
    AND access_sealed IS NOT DISTINCT FROM :accessBefore AND refresh_sealed IS NOT DISTINCT FROM :refreshBefore`;
const resealIntake = `UPDATE intakes SET context_sealed = :contextSealed, answer_sealed = :answerSealed,
    assertion_sealed = :assertionSealed
  WHERE code_hash = :codeHash AND context_sealed = :contextBefore AND answer_sealed IS NOT DISTINCT FROM :answerBefore
    AND assertion_sealed IS NOT DISTINCT FROM :assertionBefore`;
const resealTicket = `UPDATE tickets SET context_sealed = :contextSealed
  WHERE ticket_hash = :ticketHash AND context_sealed = :contextBefore`;
const resealConnect = `UPDATE connects SET asked_sealed = :askedSealed, flow_sealed = :flowSealed
  WHERE connect_hash = :connectHash AND asked_sealed = :askedBefore AND flow_sealed IS NOT DISTINCT FROM :flowBefore`;
const resealLateAnswer = `UPDATE orphans SET answer_sealed = :answerSealed
  WHERE orphan_id = :lateAnswerId AND answer_sealed = :answerBefore`;
const resealClientKey = `UPDATE client_keys SET key_sealed = :keySealed
  WHERE issuer = :issuer AND client_id = :clientId AND key_sealed = :keyBefore`;
const resealRegistration = `UPDATE registered_clients SET registration_sealed = :registrationSealed
  WHERE provider = :provider AND server = :server AND client_id = :clientId AND registration_sealed = :registrationBefore`;
const resealCaller = `UPDATE callers SET ${callerColumns.grantsSealed.name} = :grantsSealed, rights_mac = :rightsMac
  WHERE caller_id = :callerId AND grants_sealed = :grantsBefore AND rights_mac = :rightsMacBefore`;
const resealSession = `UPDATE sessions SET limits_sealed = :limitsSealed, session_mac = :rightsMac
  WHERE session_id = :sessionId AND limits_sealed = :limitsBefore AND session_mac = :rightsMacBefore`;

export function resealStore(database: Database): ResealStore {
  return {
    sealedGrants: async (after, limit) => (await database.all(selectGrants, { after, limit })).map(readGrant),
    sealedIntakes: async (after, limit) => (await database.all(selectIntakes, { after, limit })).map(readIntake),
    sealedTickets: async (after, limit) => (await database.all(selectTickets, { after, limit })).map(readTicket),
    sealedConnects: async (after, limit) => (await database.all(selectConnects, { after, limit })).map(readConnect),
    sealedSessions: async (after, limit) => (await database.all(selectSessions, { after, limit })).map(readSession),
    sealedLateAnswers: async (after, limit) =>
      (await database.all(selectLateAnswers, { after, limit })).map(readLateAnswer),

    resealProgress: async () => {
      const [row] = await database.all(selectProgress);
      return row === undefined ? undefined : progressColumn.read(row);
    },

    reseal: (rows, progress) =>
      database.transaction(async (sql) => {
        const {
          grants = [],
          intakes = [],
          tickets = [],
          connects = [],
          lateAnswers = [],
          clientKeys = [],
          registeredClients = [],
          callers = [],
          sessions = [],
        } = rows;
        let replaced = 0;
        for (const { place, before, after } of grants) {
          replaced += await sql.run(resealGrant, {
            ...after,
            grantId: place.grantId,
            generation: place.generation,
            profileBefore: before.profileSealed,
            accessBefore: before.accessSealed,
            refreshBefore: before.refreshSealed,
          });
        }
        for (const { place, before, after } of intakes) {
          replaced += await sql.run(resealIntake, {
            ...after,
            codeHash: place.codeHash,
            contextBefore: before.contextSealed,
            answerBefore: before.answerSealed,
            assertionBefore: before.assertionSealed,
          });
        }
        for (const { place, before, after } of tickets) {
          const { ticketHash } = place;
          replaced += await sql.run(resealTicket, { ...after, ticketHash, contextBefore: before.contextSealed });
        }
        for (const { place, before, after } of connects) {
          replaced += await sql.run(resealConnect, {
            ...after,
            connectHash: place.connectHash,
            askedBefore: before.askedSealed,
            flowBefore: before.flowSealed,
          });
        }
        for (const { place, before, after } of lateAnswers) {
          const { lateAnswerId } = place;
          replaced += await sql.run(resealLateAnswer, { ...after, lateAnswerId, answerBefore: before.answerSealed });
        }
        for (const { place, before, after } of clientKeys) {
          const { issuer, clientId } = place;
          const values = { keySealed: after.keySealed, issuer, clientId, keyBefore: before.keySealed };
          replaced += await sql.run(resealClientKey, values);
        }
        for (const { place, before, after } of registeredClients) {
          const { provider, server, clientId } = place;
          const { registrationSealed } = after;
          const values = { provider, server, clientId, registrationSealed };
          replaced += await sql.run(resealRegistration, { ...values, registrationBefore: before.registrationSealed });
        }
        for (const { place, before, after } of callers) {
          replaced += await sql.run(resealCaller, {
            ...after,
            callerId: place.callerId,
            grantsBefore: before.grantsSealed,
            rightsMacBefore: before.rightsMac,
          });
        }
        for (const { place, before, after } of sessions) {
          replaced += await sql.run(resealSession, {
            ...after,
            sessionId: place.sessionId,
            limitsBefore: before.limitsSealed,
            rightsMacBefore: before.rightsMac,
          });
        }
        await sql.run(noteProgress, { before: progress.before ?? "", after: progress.after });
        return replaced;
      }),
  };
}
