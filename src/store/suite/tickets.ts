import { deepEqual, equal } from "node:assert/strict";
import { describe, test } from "node:test";
import { suiteTime } from "./suite-stores.ts";
import type { SuiteStores } from "./suite-stores.ts";
import { bytes, grant, intake, same, ticket } from "./rows.ts";

export function ticketTests(stores: SuiteStores): void {
  describe("tickets", () => {
    test("a ticket is found by its hash in every process, and no code came with it yet", async (t) => {
      const [store, other] = await stores.openPair(t);
      const row = ticket();
      await store.insertTicket(row);
      same(await other.ticketByHash(row.ticketHash), { ...row, codeHash: null, boundAt: null });
      equal(await store.ticketByHash(bytes("a hash of no ticket")), undefined);
    });

    test("of forty codes that come with one ticket at once, it is bound to one, and stays so", async (t) => {
      const [store, other] = await stores.openPair(t);
      const { ticketHash } = ticket();
      await store.insertTicket(ticket({ ticketHash }));
      const codes = Array.from({ length: 40 }, () => intake().codeHash);
      const bound = await Promise.all(
        codes.map((codeHash, n) => (n % 2 === 0 ? store : other).bindTicket(ticketHash, codeHash, suiteTime + n)),
      );
      const first = bound.indexOf(true);
      deepEqual(bound.filter(Boolean), [true]);
      const known = await other.ticketByHash(ticketHash);
      same([known?.codeHash, known?.boundAt], [codes[first], suiteTime + first]);
    });

    test("one code that comes with one ticket many times is bound once, and each learns that it is", async (t) => {
      const [store, other] = await stores.openPair(t);
      const { ticketHash } = ticket();
      await store.insertTicket(ticket({ ticketHash }));
      const { codeHash } = intake();
      const bound = await Promise.all(
        Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? store : other).bindTicket(ticketHash, codeHash, suiteTime)),
      );
      equal(bound.every(Boolean), true);
      equal(await store.bindTicket(ticketHash, codeHash, suiteTime + 9), true);
      same((await store.ticketByHash(ticketHash))?.boundAt, suiteTime);
      equal(await store.bindTicket(bytes("a hash of no ticket"), codeHash, suiteTime), false);
    });

    test("a code that was rejected makes room for another one; one that may still become a grant does not", async (t) => {
      const store = await stores.open(t);
      const { ticketHash } = ticket();
      await store.insertTicket(ticket({ ticketHash }));
      const [first, second] = [intake(), intake()];
      const another = (): Promise<boolean> => store.bindTicket(ticketHash, second.codeHash, suiteTime + 2);
      await store.bindTicket(ticketHash, first.codeHash, suiteTime);
      equal(await another(), false, "not begun yet");
      await store.beginIntake(first, suiteTime);
      equal(await another(), false, "about to be sent");
      await store.journalAnswer(first.codeHash, bytes("answer"), bytes("context"));
      equal(await another(), false, "answered");
      await store.rejectIntake(first.codeHash, "{}", suiteTime + 1);
      equal(await another(), true, "rejected");
      equal(
        await store.bindTicket(ticketHash, first.codeHash, suiteTime + 3),
        false,
        "the one before does not come back",
      );
      await store.beginIntake(second, suiteTime);
      await store.saveFromIntake(grant(), null, second.codeHash);
      equal(await store.bindTicket(ticketHash, intake().codeHash, suiteTime + 3), false, "become a grant");
    });

    test("tickets that were made before a time are swept, more than one transaction takes, and no others", async (t) => {
      const store = await stores.open(t);
      // Before all other tickets: a database may hold those of other tests.
      const first = suiteTime - 10_000;
      const last = ticket({ issuedAt: first + 1_100 });
      for (let n = 0; n < 1_100; n++) await store.insertTicket(ticket({ issuedAt: first + n }));
      await store.insertTicket(last);
      equal(await store.sweepTickets(first + 1_100), 1_100);
      equal((await store.ticketByHash(last.ticketHash))?.issuedAt, first + 1_100);
      equal(await store.sweepTickets(first + 1_101), 1);
    });
  });
}
