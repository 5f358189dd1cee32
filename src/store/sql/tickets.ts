import { insertList, keyOf, number, rowReader, selectList, valuesWriter } from "./column.ts";
import { ticketColumns } from "./tables.ts";
import type { Database } from "./sql.ts";
import type { TicketStore } from "../ticket-store.ts";

const readTicket = rowReader(ticketColumns);
const ticketValues = valuesWriter(ticketColumns);
const issueColumn = number("issued_at");

const insert = `INSERT INTO tickets ${insertList(ticketColumns)}`;
const selectByHash = `SELECT ${selectList(ticketColumns)} FROM tickets WHERE ticket_hash = :ticketHash`;
// A rejected code is kept for longer than a ticket lives, so that a row which is not there says nothing of a rejection.
const bind = `UPDATE tickets SET code_hash = :codeHash, bound_at = :at
  WHERE ticket_hash = :ticketHash AND (code_hash IS NULL OR code_hash <> :codeHash AND EXISTS (
    SELECT 1 FROM intakes WHERE intakes.code_hash = tickets.code_hash AND intakes.state = 'rejected'))`;
const selectBound = "SELECT issued_at FROM tickets WHERE ticket_hash = :ticketHash AND code_hash = :codeHash";
/** In one transaction, many would hold up everybody else's writes. */
const sweptAtOnce = 500;
const selectEdge = `SELECT issued_at FROM tickets WHERE issued_at < :issuedBefore
  ORDER BY issued_at LIMIT 1 OFFSET :sweptAtOnce`;

export function ticketStore(database: Database): TicketStore {
  return {
    insertTicket: async (ticket) => {
      await database.transaction(
        async (sql) => {
          await sql.run(insert, ticketValues({ ...ticket, codeHash: null, boundAt: null }));
          sql.note({ action: "ticket.created", grantId: null, generation: null, outcome: "done", detail: null });
        },
        [keyOf(ticket.ticketHash)],
      );
    },

    ticketByHash: async (ticketHash) => {
      const [row] = await database.all(selectByHash, { ticketHash });
      return row === undefined ? undefined : readTicket(row);
    },

    bindTicket: (ticketHash, codeHash, at) =>
      database.transaction(
        async (sql) => {
          if ((await sql.run(bind, { ticketHash, codeHash, at })) === 1) return true;
          return (await sql.all(selectBound, { ticketHash, codeHash })).length > 0;
        },
        [keyOf(ticketHash)],
      ),

    async sweepTickets(issuedBefore) {
      for (let swept = 0; ;) {
        const [edge] = await database.all(selectEdge, { issuedBefore, sweptAtOnce });
        const upTo = edge === undefined ? issuedBefore - 1 : issueColumn.read(edge);
        swept += await database.transaction((sql) => sql.run("DELETE FROM tickets WHERE issued_at <= :upTo", { upTo }));
        if (edge === undefined) return swept;
      }
    },
  };
}
