import { equal } from "node:assert/strict";
import { describe, test } from "node:test";
import type { CallerRow } from "../caller-store.ts";
import type {
  ConnectPlace,
  GrantPlace,
  IntakePlace,
  Resealed,
  SealedConnect,
  SealedGrant,
  SealedIntake,
  SealedTicket,
  TicketPlace,
} from "../reseal-store.ts";
import type { GrantRow } from "../grant-row.ts";
import type { SuiteStores } from "./suite-stores.ts";
import { bytes, intake, read, same, save, tokens, unique, ticket } from "./rows.ts";

export function resealTests(stores: SuiteStores): void {
  describe("sealing anew", () => {
    test("a grant's values are replaced where they are as they were read, by one of two, and no change is told", async (t) => {
      const [store, other] = await stores.openPair(t);
      const row = await save(store, { refreshSealed: null });
      const seq = await store.latestChange();
      const progress = { before: undefined, after: "one" };
      const done = await Promise.all([
        store.reseal({ grants: [anew(row, "a")] }, progress),
        other.reseal({ grants: [anew(row, "b")] }, progress),
      ]);
      same(done.toSorted(), [0, 1]);
      const won = done[0] === 1 ? "a" : "b";
      same(await read(other, row.grantId), { ...row, ...anew(row, won).after });
      equal(await store.latestChange(), seq);
      same((await store.changesSince(seq)).changes, []);
      await store.markSuspect(row.grantId, 1);
      await store.beginRevocation(row.grantId, 1);
      equal((await store.changesSince(seq)).changes.length, 1, "what does change is told as before");
    });

    test("a grant that has moved, or holds another value by now, stays as it is", async (t) => {
      const store = await stores.open(t);
      const moved = await save(store);
      await store.commitAttempt(moved.grantId, 1, tokens("2"), 5);
      const after = await read(store, moved.grantId);
      equal(await store.reseal({ grants: [anew(moved, "late")] }, { before: undefined, after: "" }), 0);
      same(await read(store, moved.grantId), after);
      for (const property of ["profileSealed", "accessSealed", "refreshSealed"] as const) {
        const row = await save(store);
        const grants = [anew({ ...row, [property]: bytes("another") }, "late")];
        equal(await store.reseal({ grants }, { before: undefined, after: "" }), 0, property);
        same(await read(store, row.grantId), row);
      }
    });

    test("a refresh of a generation that was sealed anew meanwhile is committed", async (t) => {
      const store = await stores.open(t);
      const row = await save(store);
      equal(await store.reseal({ grants: [anew(row, "anew")] }, { before: undefined, after: "" }), 1);
      equal(await store.commitAttempt(row.grantId, 1, tokens("2"), 5), "active");
      same((await read(store, row.grantId)).refreshSealed, tokens("2").refreshSealed);
    });

    test("what is kept of a link is replaced where it is as it was read", async (t) => {
      const store = await stores.open(t);
      const connectHash = bytes(unique("link "));
      await store.createConnect({ connectHash, askedSealed: bytes("asked"), createdAt: 1, expiresAt: 2 });
      const before = { askedSealed: bytes("asked"), flowSealed: null };
      const after = { askedSealed: bytes("anew"), flowSealed: null };
      const none = { before: undefined, after: "" };
      const place = { connectHash };
      equal(
        await store.reseal({ connects: [{ place, before: { ...before, flowSealed: bytes("x") }, after }] }, none),
        0,
      );
      equal(await store.reseal({ connects: [{ place, before, after }] }, none), 1);
      const mine = (
        await all<ConnectPlace & SealedConnect, Uint8Array>(
          (from) => store.sealedConnects(from, 1),
          new Uint8Array(),
          (each) => each.connectHash,
        )
      ).filter((each) => Buffer.compare(each.connectHash, connectHash) === 0);
      same(mine, [{ connectHash, ...after }]);
    });

    test("what was registered for us is replaced where it is as it was read", async (t) => {
      const store = await stores.open(t);
      const [provider, server, clientId] = [unique("provider"), "https://mcp.example/mcp", "client-1"];
      const claim = { provider, server, changedAt: 1 };
      await store.claimClient(claim, undefined);
      await store.keepClient(claim, { clientId, registrationSealed: bytes("sealed"), changedAt: 2 });
      const anewRow = (place: string, before: string): Parameters<typeof store.reseal>[0] => ({
        registeredClients: [
          {
            place: { provider, server, clientId: place },
            before: { registrationSealed: bytes(before) },
            after: { registrationSealed: bytes("anew") },
          },
        ],
      });
      const none = { before: undefined, after: "" };
      equal(await store.reseal(anewRow(clientId, "another"), none), 0);
      equal(await store.reseal(anewRow("client-2", "sealed"), none), 0);
      equal(await store.reseal(anewRow(clientId, "sealed"), none), 1);
      same(await store.registeredClient(provider, server), {
        ...claim,
        clientId,
        registrationSealed: bytes("anew"),
        changedAt: 2,
      });
    });

    test("the key of a client is replaced where it is as it was read", async (t) => {
      const store = await stores.open(t);
      const [issuer, clientId] = ["https://id.example", unique("client")];
      await store.createClientKey({ issuer, clientId, keySealed: bytes("key"), createdAt: 1 });
      const anewKey = (before: string): Parameters<typeof store.reseal>[0] => ({
        clientKeys: [
          { place: { issuer, clientId }, before: { keySealed: bytes(before) }, after: { keySealed: bytes("anew") } },
        ],
      });
      const none = { before: undefined, after: "" };
      equal(await store.reseal(anewKey("another"), none), 0);
      equal(await store.reseal(anewKey("key"), none), 1);
      const mine = (await store.listClientKeys()).filter((each) => each.clientId === clientId);
      same(mine, [{ issuer, clientId, keySealed: bytes("anew"), createdAt: 1 }]);
    });

    test("what tickets say is replaced where it is as it was read", async (t) => {
      const store = await stores.open(t);
      const row = ticket();
      const { ticketHash, contextSealed } = row;
      await store.insertTicket(row);
      const pages = await all<TicketPlace & SealedTicket, Uint8Array>(
        (after) => store.sealedTickets(after, 1),
        new Uint8Array(),
        (each) => each.ticketHash,
      );
      same(
        pages.filter((each) => Buffer.compare(each.ticketHash, ticketHash) === 0),
        [{ ticketHash, contextSealed }],
      );
      const anewTicket = (before: Uint8Array): Parameters<typeof store.reseal>[0] => ({
        tickets: [{ place: row, before: { contextSealed: before }, after: { contextSealed: bytes("anew") } }],
      });
      const none = { before: undefined, after: "" };
      equal(await store.reseal(anewTicket(bytes("another")), none), 0);
      equal(await store.reseal(anewTicket(contextSealed), none), 1);
      same((await store.ticketByHash(ticketHash))?.contextSealed, bytes("anew"));
    });

    test("values of codes, late answers and callers are replaced where they are as they were read", async (t) => {
      const store = await stores.open(t);
      const { grantId, clientId } = await save(store);
      const code = intake();
      const { codeHash } = code;
      await store.beginIntake(code, 1);
      await store.journalAnswer(codeHash, bytes("answer"), bytes("context"));
      const lateAnswerId = unique("late");
      const late = { lateAnswerId, grantId, parentGeneration: 1, answerSealed: bytes("late"), receivedAt: 1 };
      await store.keepLateAnswer(late);
      const caller = callerRow();
      await store.insertCaller(caller);
      const read = { contextSealed: bytes("context"), answerSealed: bytes("answer"), assertionSealed: null };
      const place = { lateAnswerId, grantId, clientId, parentGeneration: 1 };
      same(
        await all(
          (after) => store.sealedLateAnswers(after, 1),
          "",
          (each) => each.lateAnswerId,
        ),
        [{ ...place, answerSealed: bytes("late") }],
      );
      const mine = (
        await all<IntakePlace & SealedIntake, Uint8Array>(
          (after) => store.sealedIntakes(after, 1),
          new Uint8Array(),
          (each) => each.codeHash,
        )
      ).filter((each) => Buffer.compare(each.codeHash, codeHash) === 0);
      same(mine, [{ codeHash, clientId: "client-1", ...read }]);
      const rows = {
        intakes: [
          {
            place: { codeHash, clientId },
            before: read,
            after: { contextSealed: bytes("c2"), answerSealed: bytes("a2"), assertionSealed: bytes("s2") },
          },
        ],
        lateAnswers: [{ place, before: late, after: { answerSealed: bytes("late2") } }],
        callers: [
          {
            place: { callerId: caller.callerId },
            before: { grantsSealed: bytes("selectors"), rightsMac: bytes("rights") },
            after: { grantsSealed: bytes("selectors2"), rightsMac: bytes("rights2") },
          },
        ],
      };
      equal(await store.reseal(rows, { before: undefined, after: "" }), 3);
      equal(await store.reseal(rows, { before: "", after: "" }), 0);
      const stored = await store.intakeByCode(codeHash);
      same(
        [stored?.contextSealed, stored?.answerSealed, stored?.assertionSealed],
        [bytes("c2"), bytes("a2"), bytes("s2")],
      );
      same(await store.lateAnswersOf(grantId), [{ ...late, answerSealed: bytes("late2") }]);
      same(await store.callerById(caller.callerId), {
        ...caller,
        grantsSealed: bytes("selectors2"),
        rightsMac: bytes("rights2"),
      });
    });

    test("pages of grants come in the order of their ids, with nothing but what is sealed, and where", async (t) => {
      const store = await stores.open(t);
      const saved = [await save(store), await save(store, { refreshSealed: null }), await save(store)];
      const parts = ({ grantId, clientId, generation, ...row }: GrantRow): GrantPlace & SealedGrant => {
        const { profileSealed, accessSealed, refreshSealed } = row;
        return { grantId, clientId, generation, profileSealed, accessSealed, refreshSealed };
      };
      same(
        await all(
          (after) => store.sealedGrants(after, 2),
          "",
          (each) => each.grantId,
        ),
        saved.map(parts),
      );
    });

    test("how far a search has come is noted by one of two who have read the same", async (t) => {
      const [store, other] = await stores.openPair(t);
      equal(await store.resealProgress(), undefined);
      await store.reseal({}, { before: undefined, after: "one" });
      await other.reseal({}, { before: "one", after: "two" });
      await store.reseal({}, { before: "one", after: "late" });
      equal(await store.resealProgress(), "two");
    });
  });
}

/** All rows, page by page. */
async function all<Row, Id>(page: (after: Id) => Promise<Row[]>, from: Id, idOf: (row: Row) => Id): Promise<Row[]> {
  const rows: Row[] = [];
  for (let after = from; ;) {
    const next = await page(after);
    const last = next.at(-1);
    if (last === undefined) return rows;
    rows.push(...next);
    after = idOf(last);
  }
}

function anew(row: GrantRow, name: string): Resealed<GrantPlace, SealedGrant> {
  return {
    place: row,
    before: row,
    after: {
      profileSealed: bytes(`profile ${name}`),
      accessSealed: bytes(`access ${name}`),
      refreshSealed: row.refreshSealed === null ? null : bytes(`refresh ${name}`),
    },
  };
}

function callerRow(): CallerRow {
  return {
    callerId: unique("c"),
    name: unique("caller "),
    keyHash: bytes("hash"),
    previousHash: null,
    previousUntil: null,
    permissions: "[]",
    grantsSealed: bytes("selectors"),
    providers: null,
    createdAt: 1,
    expiresAt: null,
    revokedAt: null,
    lastUsedAt: null,
    rightsMac: bytes("rights"),
  };
}
