/** Sessions in several processes on one store: what ends them in one of them ends them in all, within a second. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { movableClock } from "../../src/index.ts";
import type { Vault } from "../../src/index.ts";
import { permissions } from "../../src/vault/http/callers.ts";
import { places } from "../support/places.ts";
import { storeAt } from "../support/store-process.ts";
import { testVault } from "../support/test-vault.ts";
import { startVaultProcess } from "../support/vault-processes.ts";

/** For how long a process may still take a key that it verified before it ended, milliseconds. */
const boundMs = 1_000;

const ends: readonly (readonly [string, (vault: Vault, sessionId: string) => Promise<unknown>])[] = [
  ["one that is ended", (vault, sessionId) => vault.sessions.revoke(sessionId)],
  ["all of a caller, once they are ended", (vault) => vault.sessions.revokeAll("backend")],
  ["one whose maker is revoked", (vault) => vault.callers.revoke("backend")],
];

for (const [storeName, place] of Object.entries(places)) {
  test(`${storeName}: a key of a session is refused in three processes a second after its end, while they use it`, async (t) => {
    const fixture = await testVault(t, { clock: movableClock() });
    const where = await place(t);
    const vault = await fixture.open({ store: storeAt(where) });
    const fleet = await Promise.all([1, 2, 3].map(() => startVaultProcess(t, fixture, where)));
    for (const [what, end] of ends) {
      await vault.callers.create("backend", { allow: permissions });
      const { session, key } = await vault.sessions.create("backend", { allow: ["token"], grants: ["ext:a"] });
      const { key: other } = await vault.sessions.create("backend", { allow: ["token"], grants: ["ext:b"] });
      let endedAt = Infinity;
      const used = fleet.map(async (each) => {
        for (;;) {
          const askedAt = performance.now();
          const answer = await each.authenticate(key.expose());
          if (answer === "unauthorized") {
            // Refused before anybody ended it, a key would be of no use.
            assert.ok(endedAt < Infinity, `${what}: refused too early`);
            return;
          }
          assert.equal(answer, session.sessionId);
          assert.ok(askedAt <= endedAt + boundMs, `${what}: taken ${askedAt - endedAt} ms after its end`);
        }
      });
      // Each process has verified it and remembers it: the end comes in the midst of its use.
      for (const each of fleet) assert.equal(await each.authenticate(key.expose()), session.sessionId);
      // Whoever asks at the very moment may be refused already.
      endedAt = Number.MAX_SAFE_INTEGER;
      await end(vault, session.sessionId);
      endedAt = performance.now();
      await Promise.all(used);
      const isAlone = what.startsWith("one that is ended");
      const rest = await Promise.all(fleet.map((each) => each.authenticate(other.expose())));
      assert.deepEqual(new Set(rest.map((each) => each !== "unauthorized")), new Set([isAlone]), what);
      await vault.callers.revoke("backend");
    }
  });

  test(`${storeName}: of sessions that two processes make while their maker is revoked, none works after it`, async (t) => {
    const fixture = await testVault(t, { clock: movableClock() });
    const where = await place(t);
    const [vault, other] = [
      await fixture.open({ store: storeAt(where) }),
      await fixture.open({ store: storeAt(where) }),
    ];
    const { key: makerKey } = await vault.callers.create("backend", { allow: permissions });
    const makers = await Promise.all(
      [vault, other].map((each) => each.callers.authenticate(`Bearer ${makerKey.expose()}`)),
    );
    const asked = { allow: ["token"], grants: ["ext:a"] } as const;
    const making = Promise.allSettled(
      Array.from({ length: 40 }, (_, n) => {
        const [in_, maker] = n % 2 === 0 ? [vault, makers[0]] : [other, makers[1]];
        return in_.sessions.create(maker ?? assert.fail("both know the maker"), asked);
      }),
    );
    await vault.callers.revoke("backend");
    const made = (await making).flatMap((each) => (each.status === "fulfilled" ? [each.value.key] : []));
    for (const key of made) {
      for (const each of [vault, other]) {
        await assert.rejects(each.callers.authenticate(`Bearer ${key.expose()}`), /unknown, expired or revoked/);
      }
    }
    assert.deepEqual((await vault.sessions.list()).sessions, []);
  });
}
