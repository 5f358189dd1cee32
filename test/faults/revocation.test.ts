import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { isOnbehalfError } from "../../src/index.ts";
import type { Vault } from "../../src/index.ts";
import { accepts } from "../support/accepts.ts";
import { hold, rescued } from "../support/held-file.ts";
import { testVault, until } from "../support/test-vault.ts";
import type { TestVault } from "../support/test-vault.ts";
import { places } from "../support/places.ts";
import { rotations } from "../support/rotations.ts";
import { storeAt } from "../support/store-process.ts";
import { untilRefreshed, expiredGrants } from "../support/expired-grants.ts";
import { startVaultProcess } from "../support/vault-processes.ts";

const ended = (error: unknown): boolean =>
  isOnbehalfError(error, "reauthorization_required") && error.details.reason === "revoked";
const unconfirmed = (error: unknown): boolean => isOnbehalfError(error, "provider_unavailable");

/** Every answer that the token endpoint gave to the fixture's vaults, newest last. */
interface Answers {
  readonly fetch: typeof fetch;
  readonly seen: { readonly access_token: string; readonly refresh_token?: string }[];
  /** Keeps the next answer on its way until the function that is returned is called. */
  hold(): () => void;
}

function listening(): Answers {
  const seen: Answers["seen"] = [];
  let held = Promise.resolve();
  return {
    seen,
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return resolve;
    },
    async fetch(input, init) {
      const isToken = new URL(input instanceof Request ? input.url : input).pathname === "/token";
      const arrives = held;
      if (isToken) held = Promise.resolve();
      const response = await fetch(input, init);
      if (!isToken || !response.ok) return response;
      await arrives;
      seen.push((await response.clone().json()) as Answers["seen"][number]);
      return response;
    },
  };
}

/** Whether the provider still accepts any token that it ever issued. */
async function anythingLives({ standin }: TestVault, { seen }: Answers): Promise<boolean> {
  for (const { access_token: accessToken } of seen) if (await accepts(standin, accessToken)) return true;
  // Only the newest refresh token: a used one would end the whole family, and the check would prove nothing.
  const refreshToken = seen.findLast(({ refresh_token: token }) => token !== undefined)?.refresh_token ?? "";
  const { clientId, clientSecret } = standin;
  const form = { client_id: clientId, client_secret: clientSecret, grant_type: "refresh_token" };
  const body = new URLSearchParams({ ...form, refresh_token: refreshToken });
  return (await fetch(`${standin.url}/token`, { method: "POST", body })).ok;
}

for (const [storeName, place] of Object.entries(places)) {
  for (const { name, rotation, standin: plays } of rotations) {
    describe(`${storeName}, rotation ${name}: a grant is revoked while its refresh is under way`, () => {
      /** A refresh whose answer the provider has given, and which is still on its way. */
      const begin = async (t: TestContext) => {
        const fixture = await testVault(t, {
          ...plays,
          revocationEnds: "family",
          provider: { rotation, revocationEndsSiblings: false },
        });
        const where = await place(t);
        const answers = listening();
        const open = (): Promise<Vault> =>
          fixture.open({ store: storeAt(where), fetch: answers.fetch, random: () => 0 });
        const vault = await open();
        const { grantId } = await vault.exchangeCode({ code: fixture.code("ada@example.com") });
        fixture.clock.advance(3_700_000);
        const arrive = answers.hold();
        const asked = vault.getAccessToken(grantId).catch((error: unknown) => error);
        await untilRefreshed(fixture);
        const store = storeAt(where);
        await store.open({ clock: fixture.clock });
        t.after(() => store.close());
        return { fixture, vault, open, grantId, asked, arrive, answers, store };
      };

      test(`${storeName}, rotation ${name}: a refresh's answer that comes after the grant's revocation ends at the provider, too`, async (t) => {
        const { fixture, vault, open, grantId, asked, arrive, answers, store } = await begin(t);
        assert.equal((await vault.revoke(grantId)).state, "revoked");
        arrive();
        assert.ok(ended(await asked), "and nothing of it is handed out");
        assert.equal((await store.lateAnswersOf(grantId)).length, 1, "kept, until the provider knows");

        fixture.standin.fault("POST", "/revoke", { times: "always", status: 503 });
        await vault.close();
        fixture.newRequests("/revoke");
        const next = await open();
        await until(() => fixture.newRequests("/revoke").length > 0);
        await next.close();
        assert.equal((await store.lateAnswersOf(grantId)).length, 1, "the provider was away: not lost");

        fixture.standin.clearFaults();
        const last = await open();
        await until(async () => (await store.lateAnswersOf(grantId)).length === 0);
        assert.equal((await last.grant(grantId)).state, "revoked");
        assert.equal(await anythingLives(fixture, answers), false);
      });

      test(`${storeName}, rotation ${name}: a refresh's answer that comes during the grant's revocation ends with it`, async (t) => {
        const { fixture, vault, open, grantId, asked, arrive, answers, store } = await begin(t);
        fixture.standin.fault("POST", "/revoke", { times: 1, status: 503 });
        await assert.rejects(vault.revoke(grantId), unconfirmed);
        arrive();
        assert.ok(ended(await asked) || unconfirmed(await asked));
        await until(async () => (await store.lateAnswersOf(grantId)).length === 1);

        // The provider confirms for the grant's own token, and not for the late one.
        fixture.standin.fault("POST", "/revoke", { times: 1 });
        fixture.standin.fault("POST", "/revoke", { times: 1, status: 503 });
        await assert.rejects(vault.revoke(grantId), unconfirmed);
        assert.equal((await vault.grant(grantId)).state, "revoking");
        assert.equal((await store.lateAnswersOf(grantId)).length, 1);
        await vault.close();

        const next = await open();
        await until(async () => (await next.grant(grantId)).state === "revoked");
        assert.deepEqual(await store.lateAnswersOf(grantId), []);
        assert.equal(await anythingLives(fixture, answers), false);
      });

      test(`${storeName}, rotation ${name}: a grant is revoked in mid-refresh and connected again before the answer comes: it lives on`, async (t) => {
        const { fixture, vault, open, grantId, asked, arrive, answers, store } = await begin(t);
        await vault.revoke(grantId);
        const code = fixture.standin.code({ email: "ada@example.com", force: true });
        assert.equal((await vault.exchangeCode({ code })).grantId, grantId);
        arrive();
        await asked;
        await until(async () => (await store.lateAnswersOf(grantId)).length === 1);
        await vault.close();
        fixture.newRequests("/revoke");
        const next = await open();
        fixture.clock.advance(3_700_000);
        assert.ok(await accepts(fixture.standin, (await next.getAccessToken(grantId)).token));
        assert.deepEqual(fixture.newRequests("/revoke"), [], "nothing of a living grant is revoked");

        // The second revocation also ends the token that came late during the first.
        await next.revoke(grantId);
        assert.deepEqual(await store.lateAnswersOf(grantId), []);
        assert.equal(await anythingLives(fixture, answers), false);
      });
    });
  }
}

test("an answer in a dead process's rescue journal, of a grant that was revoked since, ends at the provider", async (t) => {
  const fixture = await expiredGrants(t, "strict", {
    standin: { revocationEnds: "family" },
    provider: { revocationEndsSiblings: false },
  });
  const { standin, path, grantId } = fixture;
  const doomed = await startVaultProcess(t, fixture);
  standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 500 });
  const served = doomed.tokens(grantId);
  await untilRefreshed(fixture);
  const release = hold(fixture);
  const [token = ""] = await served;
  await until(() => rescued(fixture).length === 1);
  await doomed.kill();
  release();

  // Revoked by a vault that does not see the journal.
  const elsewhere = await fixture.open({ rescueFolder: `${path}-elsewhere` });
  assert.equal((await elsewhere.revoke(grantId)).state, "revoked");
  await elsewhere.close();
  assert.ok(await accepts(standin, token), "the provider has not been told of what the dead one got");

  await fixture.open();
  await until(async () => !(await accepts(standin, token)));
  await until(() => rescued(fixture).length === 0);
});
