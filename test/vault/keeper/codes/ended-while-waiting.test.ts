/** Sign-ins that wait for a userinfo endpoint for longer than their access token lives. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { OnbehalfError, oauth2 } from "../../../../src/index.ts";
import type { Grant, OAuth2Options, Vault } from "../../../../src/index.ts";
import { sqlite } from "../../../../src/store/sqlite/index.ts";
import type { Store } from "../../../../src/store/store.ts";
import { bentProvider } from "../../../support/bent-provider.ts";
import type { Bend, BentAnswer, BentProvider, Members } from "../../../support/bent-provider.ts";
import { eventually } from "../../../support/eventually.ts";
import { fails } from "../../../support/fails.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const away = (): BentAnswer => ({ status: 503, body: {} });
const refused = (): BentAnswer => ({ status: 401, body: { message: "Bad credentials" } });

interface Waiting extends BentProvider {
  /** The file of the store. */
  readonly path: string;
  /** Sends the code of the sign-in that waits once more. */
  again(): Promise<Grant>;
  /** The refresh tokens that were sent. */
  readonly sent: readonly (string | undefined)[];
}

/** A sign-in that waits for the userinfo endpoint, at a provider whose refresh tokens work once. */
async function waiting(
  t: TestContext,
  answer: (members: Members) => Members = (members) => members,
  record: Partial<OAuth2Options> = {},
): Promise<Waiting> {
  const path = `${await temporaryFolder(t)}/grants.db`;
  const bend: Bend = {
    userinfo: away,
    token: (members, { form }) => ({ body: form["code"] === undefined ? members : answer(members) }),
  };
  const w = await bentProvider(t, bend, {
    strict: true,
    vault: { store: sqlite(path) },
    record: (url) =>
      oauth2({
        name: "plain",
        authorizationEndpoint: `${url}/authorize`,
        tokenEndpoint: `${url}/token`,
        revocationEndpoint: `${url}/revoke`,
        clientId: "cid",
        identity: { userinfo: `${url}/userinfo`, subject: "id" },
        ...record,
      }),
  });
  const again = (): Promise<Grant> => w.connect("ada/1", { externalId: "u", scopes: ["files"] });
  await assert.rejects(again(), fails("provider_unavailable"));
  return Object.defineProperty(Object.assign(w, { path, again }), "sent", {
    get: () =>
      w.requests.flatMap(({ path: asked, form }) => (asked === "/token" ? form["refresh_token"] : undefined) ?? []),
  }) as unknown as Waiting;
}

describe("a sign-in whose access token ends while nobody says who has consented", () => {
  test("is finished with the refresh token that came with it, and goes on from the next one", async (t) => {
    const w = await waiting(t, (members) => ({ ...members, authorization_expires_in: 864_000 }));
    w.clock.advance(7_200_000);
    await assert.rejects(w.again(), fails("provider_unavailable", "", ["at-1", "rt-1", "at-2", "rt-2"]));
    assert.deepEqual(w.sent, ["rt-1"]);
    // Another one came, and that one still lives: it is asked with, and nothing more is refreshed.
    await assert.rejects(w.again(), fails("provider_unavailable"));
    assert.deepEqual(w.sent, ["rt-1"]);
    w.bend = {};
    const grant = await w.again();
    assert.deepEqual([grant.subject, grant.offline, grant.scopes], ["ada", true, ["openid", "files"]]);
    assert.equal((await w.vault.getAccessToken(grant)).token, "at-2");
    // The end of the consent has not moved by that.
    assert.equal((await w.vault.grant(grant)).reauthorizeBefore?.toISOString(), "2026-12-02T00:00:00.000Z");
    w.clock.advance(3_700_000);
    assert.equal((await w.vault.getAccessToken(grant)).token, "at-3");
    assert.deepEqual(w.sent, ["rt-1", "rt-2"]);
    await w.vault.revoke(grant);
    assert.equal((await w.vault.grant(grant)).state, "revoked");
  });

  test("is finished by itself, without anybody who sends the code again", async (t) => {
    const w = await waiting(t);
    await w.vault.close();
    w.clock.advance(7_200_000);
    w.bend = {};
    const next = await w.open({ store: sqlite(w.path) });
    await eventually(() => w.events.some(({ type }) => type === "sign_in_finished"), Boolean);
    assert.equal((await next.getAccessToken({ externalId: "u" })).token, "at-2");
  });

  test("is finished where only the provider knows that the token has ended", async (t) => {
    const w = await waiting(t, ({ expires_in: _unsaid, ...members }) => members);
    w.clock.advance(300_000);
    w.bend = { userinfo: (request) => (request.headers.authorization === "Bearer at-1" ? refused() : undefined) };
    assert.equal((await w.again()).subject, "ada");
    assert.deepEqual(w.sent, ["rt-1"]);
  });

  test("is finished where the answer to the code had no access token that can be sent", async (t) => {
    const w = await waiting(t, (members) => ({ ...members, token_type: "mac" }));
    w.bend = {};
    const grant = await w.again();
    assert.equal((await w.vault.getAccessToken(grant)).token, "at-2");
  });

  test("keeps its refresh token and its scopes where the answer to the refresh does not repeat them", async (t) => {
    const w = await waiting(t, (members) => ({ ...members, scope: "files" }));
    w.clock.advance(7_200_000);
    w.bend = {
      token: ({ access_token, expires_in, token_type }) => ({ body: { access_token, expires_in, token_type } }),
    };
    const grant = await w.again();
    assert.deepEqual([grant.offline, grant.scopes], [true, ["files"]]);
  });

  test("ends where the refresh token is refused, and nothing is revoked", async (t) => {
    const w = await waiting(t);
    w.clock.advance(7_200_000);
    w.bend = { token: () => ({ status: 400, body: { error: "invalid_grant" } }) };
    await assert.rejects(w.again(), fails("code_rejected", "invalid_grant"));
    assert.deepEqual((await w.vault.grants()).grants, []);
    assert.equal(w.count("/revoke"), 0);
  });

  test("ends where the next access token is refused as well", async (t) => {
    const w = await waiting(t);
    w.clock.advance(7_200_000);
    w.bend = { userinfo: refused };
    await assert.rejects(w.again(), fails("code_rejected", "http_401"));
    assert.deepEqual(w.sent, ["rt-1"]);
  });

  test("ends at once where no refresh token came", async (t) => {
    const w = await waiting(t, ({ refresh_token: _none, ...members }) => members);
    w.clock.advance(7_200_000);
    w.bend = { userinfo: refused };
    await assert.rejects(w.again(), fails("code_rejected"));
    assert.deepEqual(w.sent, []);
  });

  test("waits on while the token endpoint fails, refuses our client, or asks to wait", async (t) => {
    const w = await waiting(t);
    w.clock.advance(7_200_000);
    for (const answer of [
      { status: 503, body: {} },
      { status: 429, headers: { "retry-after": "7" }, body: { error: "slow_down" } },
      { status: 401, body: { error: "invalid_client" } },
      { status: 400, body: { error: "unauthorized_client" } },
      { status: 400, body: { error: "never_heard_of" } },
    ]) {
      w.bend = { token: () => answer };
      await assert.rejects(w.again(), fails("provider_unavailable"));
      w.clock.advance(120_000);
    }
    w.bend = {};
    assert.equal((await w.again()).subject, "ada");
  });

  test("sends its refresh token once, although two processes finish it at the same time", async (t) => {
    const w = await waiting(t);
    await w.vault.close();
    w.clock.advance(7_200_000);
    // Both have read the same row before one of them takes it.
    const both = Promise.withResolvers<void>();
    let arrived = 0;
    const open = (): Promise<Vault> => {
      const file = sqlite(w.path);
      const takeIntake: Store["takeIntake"] = async (...args) => {
        if (++arrived === 2) both.resolve();
        await both.promise;
        return file.takeIntake(...args);
      };
      return w.open({ store: { ...file, takeIntake } });
    };
    const vaults = await Promise.all([open(), open()]);
    w.bend = {};
    await eventually(
      async () => {
        const { grants } = (await vaults[0]?.grants()) ?? assert.fail();
        return grants.length;
      },
      (count) => count === 1,
    );
    for (const vault of vaults) {
      const { token } = await vault.getAccessToken({ externalId: "u" });
      assert.match(token, /^at-[23]$/);
    }
    assert.equal(new Set(w.sent).size, w.sent.length, "no refresh token came twice");
    assert.ok(!w.events.some(({ type }) => type === "code_rejected"));
  });

  test("loses nothing where the store fails just when the next refresh token comes", async (t) => {
    const w = await waiting(t);
    await w.vault.close();
    w.clock.advance(7_200_000);
    w.bend = {};
    const file = sqlite(w.path);
    let failures = 0;
    const next = await w.open({
      store: {
        ...file,
        async journalAnswer(...args) {
          if (++failures > 3) return file.journalAnswer(...args);
          throw new OnbehalfError("store_unavailable", "full", { hint: "wait", details: { retryAfterMs: 1 } });
        },
      },
    });
    await eventually(() => w.events.some(({ type }) => type === "sign_in_finished"), Boolean);
    assert.equal(failures, 4);
    assert.equal((await next.getAccessToken({ externalId: "u" })).token, "at-2");
    assert.deepEqual(w.sent, ["rt-1"]);
  });
});

for (const [what, userinfo, subject] of [
  ["says who it is", undefined, "bob"],
  ["will not say who it is", refused, "§plain:u-2"],
] as const) {
  test(`a deposit that waits for longer than its access token lives keeps the next refresh token: the provider ${what}`, async (t) => {
    const w = await waiting(t);
    const form = new URLSearchParams({ grant_type: "authorization_code", code: "bob/2" });
    w.bend = { userinfo: away };
    const { refresh_token: refreshToken } = (await (
      await fetch(`${w.url}/token`, { method: "POST", body: form })
    ).json()) as { refresh_token: string };
    const deposit = (): Promise<Grant> => w.vault.deposit({ externalId: "u-2", refreshToken });
    await assert.rejects(deposit(), fails("provider_unavailable"));
    w.clock.advance(7_200_000);
    w.bend = userinfo === undefined ? {} : { userinfo };
    const grant = await deposit();
    assert.equal(grant.subject, subject);
    assert.deepEqual(w.sent, [refreshToken, "rt-3"]);
    assert.equal((await w.vault.getAccessToken(grant)).token, "at-4");
    w.clock.advance(3_700_000);
    assert.equal((await w.vault.getAccessToken(grant)).token, "at-5");
  });
}

test("an access token that is refused right after it came is not taken for one that has ended", async (t) => {
  const w = await waiting(t);
  w.bend = { userinfo: refused };
  await assert.rejects(w.again(), fails("code_rejected", "http_401"));
  assert.deepEqual(w.sent, []);
});
