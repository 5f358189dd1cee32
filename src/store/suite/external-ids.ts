import { deepEqual, equal } from "node:assert/strict";
import { describe, test } from "node:test";
import type { GrantRow } from "../grant-row.ts";
import type { ExternalIdChange, Store } from "../store.ts";
import { bytes, grant, intake, read, save, saveKnownBy, same, tie, unique } from "./rows.ts";
import type { SuiteStores } from "./suite-stores.ts";

const again = (store: Store, row: GrantRow, change: ExternalIdChange): Promise<boolean> =>
  store.saveFromIntake(row, row, bytes(unique("code ")), change);

const knownBy = async (store: Store, externalId: string): Promise<string[]> =>
  (await store.grantsByExternalId(bytes(externalId))).map(({ grantId }) => grantId);

export function externalIdTests(stores: SuiteStores): void {
  describe("external ids", () => {
    test("a grant is known by each of its external ids, and by none that it has lost", async (t) => {
      const [store, other] = await stores.openPair(t);
      const row = await saveKnownBy(store, "user-1");
      equal(await again(store, row, { add: tie("user-2") }), true);
      same(await other.grantsByExternalId(bytes("user-1")), [row]);
      same(await other.grantsByExternalId(bytes("user-2")), [row]);
      equal(await again(store, row, { add: tie("user-3"), remove: [bytes("user-1"), bytes("user-9")] }), true);
      deepEqual(await knownBy(other, "user-1"), []);
      deepEqual(await knownBy(other, "user-2"), [row.grantId]);
      deepEqual(await knownBy(other, "user-3"), [row.grantId]);
      equal(await again(store, row, {}), true);
      deepEqual(await knownBy(other, "user-3"), [row.grantId], "a consent without a change leaves them as they are");
    });

    test("an external id and a label mean one grant of a provider and client, and a grant of each other one", async (t) => {
      const store = await stores.open(t);
      const first = await saveKnownBy(store, "user-1");
      const elsewhere = await saveKnownBy(store, "user-1", { provider: "other" });
      const ofOther = await saveKnownBy(store, "user-1", { clientId: "client-2" });
      deepEqual(await knownBy(store, "user-1"), [first, elsewhere, ofOther].map(({ grantId }) => grantId).sort());
      const second = grant();
      equal(await store.saveFromIntake(second, null, bytes("code"), { add: tie("user-1") }), false);
      equal(await store.grantById(second.grantId), undefined, "nothing of it is stored");
      equal(await store.saveFromIntake(second, null, bytes("code"), { add: tie("user-1", "work") }), true);
      deepEqual(
        await knownBy(store, "user-1"),
        [first, elsewhere, ofOther, second].map(({ grantId }) => grantId).sort(),
        "under another label",
      );
    });

    test("a grant gets another label of an external id in place of the one that it had, which is free then", async (t) => {
      const [store, other] = await stores.openPair(t);
      const row = await saveKnownBy(store, "user-1", {}, "work");
      const seq = await other.latestChange();
      equal(await again(store, row, { add: tie("user-1", "home") }), true);
      const ties = (await other.changesSince(seq)).changes.map((change) => change.ties);
      same(ties, [[tie("user-1", "home")]]);
      const second = await saveKnownBy(other, "user-1", {}, "work");
      equal(await again(other, second, { add: tie("user-1", "home") }), false);
      same(
        (await other.changesSince(seq)).changes.map((change) => change.ties),
        [[tie("user-1", "home")], [tie("user-1", "work")]],
      );
    });

    test("of two consents that bring no new generation, the later one is not made from what the earlier one has changed", async (t) => {
      const store = await stores.open(t);
      const row = await saveKnownBy(store, "user-1");
      const next = { ...row, profileSealed: bytes("with user-2") };
      equal(await store.saveFromIntake(next, row, bytes("code"), { add: tie("user-2") }), true);
      const late = { ...row, profileSealed: bytes("with user-3") };
      equal(await store.saveFromIntake(late, row, bytes("code"), { add: tie("user-3") }), false);
      same(await read(store, row.grantId), next);
      deepEqual(await knownBy(store, "user-3"), []);
    });

    test("an external id that means another grant leaves grant, ids and intake as they were", async (t) => {
      const store = await stores.open(t);
      const holder = await saveKnownBy(store, "user-1");
      const row = await saveKnownBy(store, "user-2");
      const code = intake();
      await store.beginIntake(code, 1);
      const next = { ...row, generation: 2, scope: "more" };
      const change = { add: tie("user-1"), remove: [bytes("user-2")] };
      equal(await store.saveFromIntake(next, row, code.codeHash, change), false);
      same(await read(store, row.grantId), row);
      deepEqual(await knownBy(store, "user-1"), [holder.grantId]);
      deepEqual(await knownBy(store, "user-2"), [row.grantId]);
      equal((await store.openIntakes()).length, 1);
    });

    test("an external id is moved together with the profile of the grant that loses it, and tells of that change", async (t) => {
      const [store, other] = await stores.openPair(t);
      const holder = await saveKnownBy(store, "user-1");
      await again(store, holder, { add: tie("user-2") });
      const row = await save(store);
      const seq = await other.latestChange();
      const from = [
        { grantId: holder.grantId, profileRead: holder.profileSealed, profileSealed: bytes("without user-1") },
      ];
      equal(await again(store, row, { add: tie("user-1"), from }), true);
      deepEqual(await knownBy(other, "user-1"), [row.grantId]);
      deepEqual(await knownBy(other, "user-2"), [holder.grantId], "its other id stays");
      same((await read(other, holder.grantId)).profileSealed, bytes("without user-1"));
      const { changes } = await other.changesSince(seq);
      deepEqual(changes.map(({ grantId }) => grantId).sort(), [holder.grantId, row.grantId].sort());
    });

    test("an external id is not moved from a grant whose profile is not as it was read", async (t) => {
      const store = await stores.open(t);
      const holder = await saveKnownBy(store, "user-1");
      const row = await save(store);
      const from = [{ grantId: holder.grantId, profileRead: bytes("older"), profileSealed: bytes("newer") }];
      equal(await again(store, row, { add: tie("user-1"), from }), false);
      deepEqual(await knownBy(store, "user-1"), [holder.grantId]);
      same(await read(store, holder.grantId), holder);
    });

    test("of two grants that want one label of an external id at once, one gets it", async (t) => {
      const pair = await stores.openPair(t);
      const rows = [await save(pair[0]), await save(pair[0])] as const;
      const ends = await Promise.all(
        pair.map((store, index) => again(store, rows[index] as GrantRow, { add: tie("user-1") })),
      );
      equal(ends.filter((isSaved) => isSaved).length, 1);
      deepEqual(await knownBy(pair[0], "user-1"), [rows[ends.indexOf(true)]?.grantId]);
    });
  });
}
