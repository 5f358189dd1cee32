import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isOnbehalfError } from "../../../../src/index.ts";
import { sqlite } from "../../../../src/store/sqlite/index.ts";
import { bentProvider } from "../../../support/bent-provider.ts";
import type { BentAnswer } from "../../../support/bent-provider.ts";

const html = { "content-type": "text/html" };
const connectionsPage = "https://accounts.example/apps";

/** Answers of a revocation endpoint that no retry changes, and the word that the event has for them. */
const finalAnswers: readonly (readonly [BentAnswer, string])[] = [
  [{ status: 400, body: { error: "invalid_request", error_description: "not revocable" } }, "invalid_request"],
  [{ status: 400, body: { error: "invalid_grant" } }, "invalid_grant"],
  [{ status: 400, body: {} }, "http_400"],
  [{ status: 400, text: "" }, "http_400"],
  [{ status: 403, body: { message: "Forbidden" } }, "http_403"],
  [{ status: 404, text: "<html>", headers: html }, "http_404"],
  [{ status: 405, text: "" }, "http_405"],
  [{ status: 301, text: "", headers: { location: "https://id.example/revoke" } }, "http_301"],
  [{ status: 308, text: "", headers: { location: "/revoke2" } }, "http_308"],
  [{ status: 501, text: "<html>", headers: html }, "http_501"],
  [{ status: 501, body: {} }, "http_501"],
  [{ status: 410, body: { error: { code: "GONE" } } }, "GONE"],
  [{ body: { ok: false, error: "token_revoked" } }, "token_revoked"],
];

/** Answers after which the same request may be confirmed later. */
const otherAnswers: readonly BentAnswer[] = [
  { status: 408, body: {} },
  { status: 425, body: {} },
  { status: 429, body: { error: "invalid_request" } },
  { status: 500, body: { error: "invalid_request" } },
  { status: 503, text: "<html>", headers: html },
  { status: 302, text: "", headers: { location: "/maintenance" } },
  { status: 307, text: "", headers: { location: "/login" } },
  { status: 502, text: "" },
  { status: 501, body: { error: "temporarily_unavailable" } },
  { status: 401, body: { error: "invalid_client" } },
  { status: 401, text: "" },
  { status: 403, text: "<html>Attention Required!</html>", headers: html },
  { status: 400, body: { error: "temporarily_unavailable" } },
];

describe("a revocation that the provider does not confirm", () => {
  for (const [answer, word] of finalAnswers) {
    test(`a revocation that is answered with ${JSON.stringify(answer)} ends the grant, and says what is left to do`, async (t) => {
      const store = sqlite(":memory:");
      const provider = await bentProvider(
        t,
        { revoke: () => answer },
        { provider: { connectionsPage }, vault: { store } },
      );
      const { vault, events } = provider;
      const { grantId } = await provider.connect();
      const ended = await vault.revoke(grantId);
      assert.deepEqual([ended.state, ended.reason, ended.offline], ["revoked", "revoked_unconfirmed", false]);
      assert.match(ended.hint ?? "", /did not confirm.*https:\/\/accounts\.example\/apps/);
      assert.deepEqual(events.at(-1), { type: "revoked", grantId, provider: "bent", siblings: [], unconfirmed: word });
      const row = await store.grantById(grantId);
      assert.deepEqual([row?.refreshSealed, row?.accessSealed], [null, null]);
      assert.equal((await vault.revoke(grantId)).state, "revoked");
      assert.equal(provider.count("/revoke"), 1, "it is not asked again");
      await assert.rejects(
        vault.getAccessToken(grantId),
        (error) => isOnbehalfError(error, "reauthorization_required") && error.details.reason === "revoked_unconfirmed",
      );
      assert.equal((await provider.connect("c2")).state, "active", "and the person can connect again");
    });
  }

  for (const answer of otherAnswers) {
    test(`a revocation that is answered with ${JSON.stringify(answer)} goes on, and ends once it is confirmed`, async (t) => {
      const provider = await bentProvider(t, { revoke: () => answer });
      const { grantId } = await provider.connect();
      await assert.rejects(provider.vault.revoke(grantId), (error) => isOnbehalfError(error, "provider_unavailable"));
      assert.equal((await provider.vault.grant(grantId)).state, "revoking");
      provider.bend = {};
      const ended = await provider.vault.revoke(grantId);
      assert.deepEqual([ended.state, ended.reason, ended.hint], ["revoked", "revoked", undefined]);
    });
  }

  test("a revocation at a provider that has no way to revoke says so", async (t) => {
    const provider = await bentProvider(t, { discovery: () => ({ revocation_endpoint: undefined }) });
    const { grantId } = await provider.connect();
    const ended = await provider.vault.revoke(grantId);
    assert.deepEqual([ended.state, ended.reason], ["revoked", "revoked_unconfirmed"]);
    assert.match(ended.hint ?? "", /in their account at bent/);
  });

  test("revocations that fail say nothing of the token endpoint: grants are refreshed all the same", async (t) => {
    const provider = await bentProvider(t, { revoke: () => ({ status: 503, body: {} }) });
    const { grantId: healthy } = await provider.connect("healthy/1");
    for (let n = 0; n < 12; n++) {
      const { grantId } = await provider.connect(`leaver-${n}/1`);
      await assert.rejects(provider.vault.revoke(grantId), (error) => isOnbehalfError(error, "provider_unavailable"));
    }
    provider.clock.advance(3_700_000);
    assert.match((await provider.vault.getAccessToken(healthy)).token, /^at-/);
  });

  test("revocations count against the provider's rate, like refreshes", async (t) => {
    const provider = await bentProvider(t, {}, { vault: { exchangeRate: { perSecond: 3, burst: 3 } } });
    const { grantId } = await provider.connect("a/1");
    provider.bend = { token: () => ({ status: 429, body: {}, headers: { "retry-after": "60" } }) };
    provider.clock.advance(3_700_000);
    await assert.rejects(provider.vault.getAccessToken(grantId));
    await assert.rejects(
      provider.vault.revoke(grantId),
      (error) => isOnbehalfError(error, "provider_unavailable") && error.details.retryAfterMs === 60_000,
    );
    assert.equal(provider.count("/revoke"), 0, "it says that we ask too often, so nothing is sent");
    provider.clock.advance(60_000);
    assert.equal((await provider.vault.revoke(grantId)).state, "revoked");
  });

  test("what a refused sign-in was given is forgotten where the provider will never end it", async (t) => {
    const provider = await bentProvider(t, {
      claims: () => ({ aud: "somebody-else" }),
      revoke: () => ({ status: 400, body: { error: "invalid_request" } }),
    });
    await assert.rejects(provider.connect(), (error) => isOnbehalfError(error, "id_token_invalid"));
    await assert.rejects(
      provider.connect(),
      (error) => isOnbehalfError(error, "id_token_invalid"),
      "the same result again",
    );
    assert.equal(provider.count("/revoke"), 1);
    assert.equal(provider.count("/token"), 1);
  });
});
