/** What a vault asks its store again and again, and what people ask it: none of it may cost more where there are more grants. */
import { latestLook } from "../src/core/second-look.ts";
import { idleBounds, defaultKeepAliveDays } from "../src/core/keep-alive.ts";
import { clockLeewayMs } from "../src/core/recorded-time.ts";
import type { Store } from "../src/store/store.ts";

/** The client of the grants that `test/support/many-grants.ts` makes. */
const clientId = "client-1";
const dayMs = 86_400_000;

/** One piece of work; `n` is another number each time. */
export type ScaleWork = (n: number) => unknown;

/**
 * Every look-up, list and sweep by its name. Each is asked as the vault asks it, and of another grant each time, so that one page
 * that lies at hand does not answer for all.
 *
 * @param grants how many there are
 */
export function worksOn(store: Store, grants: number): Readonly<Record<string, ScaleWork>> {
  // Spread over all of them: neighbours share pages.
  const some = (n: number): number => ((n * 7_919) % grants) + 1;
  const ahead = { at: 0, grantId: "" };
  return {
    "look-up by id": (n) => store.tokenById(`g_${some(n)}`),
    "look-up by ext:": (n) => store.tokensByExternalId(bytes(`external ${some(n)}`)),
    "look-up by sub:": (n) => store.tokensBySubject(bytes(`subject ${some(n)}`)),
    "look-up by an id that is not there": (n) => store.tokenById(`g_none_${n}`),
    "look-up by an ext: that is not there": (n) => store.tokensByExternalId(bytes(`nobody ${n}`)),
    "look-up by a sub: that is not there": (n) => store.tokensBySubject(bytes(`nobody ${n}`)),
    "a grant's whole row": (n) => store.grantById(`g_${some(n)}`),
    "list: a page of 50": () => store.listGrants({ limit: 50 }),
    "list: a page of 50 further on": (n) => store.listGrants({ limit: 50, after: `g_${some(n)}` }),
    "list: 10 that are active": () => store.listGrants({ state: "active", limit: 10 }),
    "list: 10 that have lapsed": () => store.listGrants({ state: "lapsed", limit: 10 }),
    "list: a state that none is in": () => store.listGrants({ state: "suspect", limit: 50 }),
    "list: a user's": (n) => store.listGrants({ externalHash: bytes(`external ${some(n)}`), limit: 50 }),
    "list: a user's who is not there": (n) => store.listGrants({ externalHash: bytes(`nobody ${n}`), limit: 50 }),
    "list: a person's": (n) => store.listGrants({ subjectHash: bytes(`subject ${some(n)}`), limit: 50 }),
    "list: a person's who is not there": (n) => store.listGrants({ subjectHash: bytes(`nobody ${n}`), limit: 50 }),
    "sweep: attempts": () => store.attempts(),
    "sweep: late answers": () => store.listGrants({ state: "revoked", withLateAnswers: true, after: "", limit: 100 }),
    "sweep: revocations": () => store.listGrants({ state: "revoking", after: "", limit: 100 }),
    "sweep: codes half-way": () => store.openIntakes(),
    "sweep: held sign-ins": () => store.heldIntakes(Date.now(), 100),
    "sweep: keep-alive": async () => {
      const now = Date.now();
      const from = now + clockLeewayMs;
      await store.idleGrants({ clientId, by: "announced-end", after: ahead, before: filledBefore, limit: 200 });
      await store.idleSlots({ clientId, ...idleBounds(defaultKeepAliveDays, filledBefore), from });
    },
    "sweep: second looks": async () => {
      const now = Date.now();
      await store.grantsToLookAt(now, 100);
      await store.grantsToLookAt(Number.MAX_SAFE_INTEGER, 100, { lookAt: latestLook(now), grantId: "" });
    },
    "sweep: rejected codes": () => store.sweepRejected(Date.now() - dayMs, Date.now() - 600_000),
    "sweep: codes that have ended": () => store.sweepIntakes(Date.now() - dayMs),
    "sweep: links, tickets, sessions and signals": async () => {
      const before = Date.now() - dayMs;
      await store.sweepConnects(before);
      await store.sweepTickets(before);
      await store.sweepSessions(before);
      await store.sweepSignals(before);
      await store.sweepDashboard(before, before);
    },
    "sweep: old events": () => store.pruneEvents(0, 500),
    "sweep: ends of consents": () => store.endsToAnnounce(Date.now(), 100),
    "sweep: events for a receiver": () => store.dueDeliveries(0, 100),
    "the poll of changes": async () => {
      await store.changesSince(await store.latestChange());
    },
  };
}

/** When the youngest grants had their last exchange: as of then, none is idle. */
const filledBefore = Date.parse("2026-11-22T00:00:00Z");

function bytes(text: string): Uint8Array {
  return Buffer.from(text);
}
