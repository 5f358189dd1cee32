import { deepEqual, equal } from "node:assert/strict";
import { describe, test } from "node:test";
import type { FoundTokenRow, GrantRow } from "../grant-row.ts";
import type { Store } from "../store.ts";
import { bytes, foundTokenRowOf, save, saveIn, saveKnownBy, same, tie, tokenRowOf, unique } from "./rows.ts";
import type { SuiteStores } from "./suite-stores.ts";

const byId = (one: { readonly grantId: string }, other: { readonly grantId: string }): number =>
  one.grantId < other.grantId ? -1 : 1;

/** A store may give them in any order. */
function sameRows(found: readonly FoundTokenRow[], rows: readonly GrantRow[]): void {
  same(found.toSorted(byId), rows.map(foundTokenRowOf).sort(byId));
}

const accessOnly: Partial<GrantRow> = { refreshSealed: null, accessIssuedAt: null, accessExpiresAt: null };

export function tokenTests(stores: SuiteStores): void {
  describe("what an answer with an access token needs", () => {
    test("a token is read as the whole grant is, whatever the grant's state and whatever it holds", async (t) => {
      const [store, other] = await stores.openPair(t);
      const rows = [await save(store), await save(store, accessOnly), await save(store, { accessSealed: null })];
      for (const state of ["suspect", "lapsed", "revoking", "revoked"] as const) rows.push(await saveIn(store, state));
      for (const row of rows) {
        const found = await other.tokenById(row.grantId);
        same(found, tokenRowOf(row));
        deepEqual(Object.keys(found ?? {}).toSorted(), Object.keys(tokenRowOf(row)).toSorted(), "no column more");
        sameRows(await other.tokensBySubject(row.subjectHash), [row]);
      }
    });

    test("a token of no grant is undefined, and those of nobody are none", async (t) => {
      const store = await stores.open(t);
      await saveKnownBy(store, "user-1");
      for (const id of ["g_none", "", "user-1", '"', "\\", "{", ",", "a\u0000b", "é", "\ud800", "NULL"]) {
        equal(await store.tokenById(id), undefined, JSON.stringify(id));
        deepEqual(await store.tokensBySubject(bytes(id)), []);
      }
      for (const hash of [bytes("user-2"), new Uint8Array(), bytes('"\\')]) {
        deepEqual(await store.tokensByExternalId(hash), []);
      }
    });

    test("tokens are found by every external id that a grant has, and by none that it has lost", async (t) => {
      const store = await stores.open(t);
      const first = await saveKnownBy(store, "user-1");
      const elsewhere = await saveKnownBy(store, "user-1", { provider: "other" });
      const second = await saveKnownBy(store, "user-1", {}, "work");
      sameRows(await store.tokensByExternalId(bytes("user-1")), [first, elsewhere, second]);
      const change = { add: tie("user-2"), remove: [bytes("user-1")] };
      equal(await store.saveFromIntake(first, first, bytes(unique("code ")), change), true);
      sameRows(await store.tokensByExternalId(bytes("user-1")), [elsewhere, second]);
      sameRows(await store.tokensByExternalId(bytes("user-2")), [first]);
    });

    test("tokens of a subject are those of all its clients, and of nobody else", async (t) => {
      const store = await stores.open(t);
      const one = await save(store, { subjectHash: bytes("ada") });
      const two = await save(store, { subjectHash: bytes("ada"), clientId: "client-2" });
      await save(store, { subjectHash: bytes("bob") });
      sameRows(await store.tokensBySubject(bytes("ada")), [one, two]);
    });

    test("each of a thousand tokens that are read at the same moment is that of the grant that was asked for", async (t) => {
      const store = await stores.open(t);
      const rows = await Promise.all(
        Array.from({ length: 30 }, (_, n) => saveKnownBy(store, `user-${n}`, { accessSealed: bytes(`token ${n}`) })),
      );
      const reads = Array.from({ length: 1_000 }, (_, n) => read(store, rows, n));
      await Promise.all(reads);
    });
  });
}

async function read(store: Store, rows: readonly GrantRow[], n: number): Promise<void> {
  const at = n % (rows.length + 1);
  const row = rows[at];
  if (row === undefined) {
    equal(await store.tokenById(`g_none${n}`), undefined);
    deepEqual(await store.tokensByExternalId(bytes(`nobody-${n}`)), []);
  } else if (n % 3 === 0) same(await store.tokenById(row.grantId), tokenRowOf(row));
  else if (n % 3 === 1) sameRows(await store.tokensByExternalId(bytes(`user-${at}`)), [row]);
  else sameRows(await store.tokensBySubject(row.subjectHash), [row]);
}
