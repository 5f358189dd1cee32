import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { testStandin } from "../../../support/test-standin.ts";
import { alive, appData, control, exchange, grant, post, refresh, stillClock } from "../../talk.ts";

const email = "ada@example.com";
const day = 86_400_000;

describe("a refresh as Google answers it", () => {
  test("a refresh as Google answers it brings a new access token and an ID token, and no refresh token", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    const { refreshToken, accessToken } = await grant(standin, email, `openid ${appData}`);
    const { status, body } = await refresh(standin, refreshToken);
    assert.equal(status, 200);
    assert.notEqual(body["access_token"], accessToken);
    assert.equal(body["refresh_token"], undefined);
    assert.equal(typeof body["id_token"], "string");
    assert.deepEqual([body["expires_in"], body["token_type"]], [3_599, "Bearer"]);
    assert.equal(await alive(standin, accessToken), 200, "the old one lives until it expires");
  });

  test("a refresh as Google answers it narrows to some of the granted scopes, and never widens", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    const { refreshToken } = await grant(standin, email, `openid email ${appData}`);
    const narrow = await refresh(standin, refreshToken, { scope: appData });
    assert.deepEqual([narrow.body["scope"], narrow.body["id_token"]], [appData, undefined]);
    const wide = await refresh(standin, refreshToken, { scope: `${appData} https://www.googleapis.com/auth/drive` });
    assert.deepEqual([wide.status, wide.body["error"]], [400, "invalid_scope"]);
  });

  test("a refresh as Google answers it refuses another client's token with unauthorized_client", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    const { refreshToken } = await grant(standin);
    const other = standin.client({});
    const credentials = { client_id: other.clientId, client_secret: other.clientSecret ?? "" };
    const { status, body } = await refresh(standin, refreshToken, credentials);
    assert.deepEqual([status, body["error"]], [401, "unauthorized_client"]);
    assert.equal((await refresh(standin, refreshToken)).status, 200);
  });

  test("a refresh as Google answers it lets access tokens expire by its own clock", async () => {
    await using standin = await testStandin({ clock: stillClock(), accessTokenTtlSeconds: 100 });
    const { accessToken } = await grant(standin);
    standin.advance(99_000);
    assert.equal(await alive(standin, accessToken), 200);
    standin.advance(1_000);
    assert.equal(await alive(standin, accessToken), 401);
  });
});

describe("how refresh tokens die", () => {
  test("the answer for an ended refresh token says why for half a day, and then only Bad Request", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    const { refreshToken } = await grant(standin);
    standin.revoke(email);
    const dead = { error: "invalid_grant", error_description: "Token has been expired or revoked." };
    assert.deepEqual((await refresh(standin, refreshToken)).body, dead);
    standin.advance(day / 2);
    assert.equal((await refresh(standin, refreshToken)).body["error_description"], "Bad Request");
  });

  test("a refresh token ends after six months without use, not before", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    const { refreshToken } = await grant(standin);
    standin.advance(182 * day);
    assert.equal((await refresh(standin, refreshToken)).status, 200);
    standin.advance(182 * day);
    assert.equal((await refresh(standin, refreshToken)).status, 200, "each use starts the time again");
    standin.advance(183 * day);
    assert.equal((await refresh(standin, refreshToken)).body["error"], "invalid_grant");
  });

  test("a refresh token ends after seven days in testing, unless only sign-in was asked for", async () => {
    await using standin = await testStandin({ clock: stillClock(), testingMode: true });
    const broad = await grant(standin);
    const signIn = await grant(standin, "carl@example.com", "openid email profile");
    standin.advance(7 * day - 1);
    assert.equal((await refresh(standin, broad.refreshToken)).status, 200);
    standin.advance(1);
    assert.equal((await refresh(standin, broad.refreshToken)).body["error"], "invalid_grant");
    assert.equal((await refresh(standin, signIn.refreshToken)).status, 200);
  });

  test("a refresh token ends at the end of time-based access", async () => {
    await using standin = await testStandin({ clock: stillClock(), refreshTokenTtlSeconds: 3_600 });
    const { refreshToken } = await grant(standin);
    standin.advance(3_599_000);
    assert.equal((await refresh(standin, refreshToken)).body["refresh_token_expires_in"], 1);
    standin.advance(1_000);
    assert.equal((await refresh(standin, refreshToken)).body["error"], "invalid_grant");
  });

  test("the oldest refresh token ends silently when there are more than the limit for this account and client", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    const tokens: string[] = [];
    for (let made = 0; made < 101; made += 1) tokens.push((await grant(standin)).refreshToken);
    const [oldest, second] = tokens;
    assert.equal((await refresh(standin, oldest)).body["error"], "invalid_grant");
    assert.equal((await refresh(standin, second)).status, 200);
    assert.equal((await refresh(standin, tokens.at(-1))).status, 200);
    const other = await grant(standin, "carl@example.com");
    assert.equal((await refresh(standin, other.refreshToken)).status, 200);
  });

  test("a refresh token ends when the password changes, if it reaches Gmail", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    const plain = await grant(standin);
    const mail = await grant(standin, email, "openid https://www.googleapis.com/auth/gmail.readonly");
    standin.changePassword(email);
    assert.equal((await refresh(standin, mail.refreshToken)).body["error"], "invalid_grant");
    assert.equal((await refresh(standin, plain.refreshToken)).status, 200);
  });

  test("no refresh token ends by policy: the refusals of Workspace pass when the policy does", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    const { refreshToken } = await grant(standin);
    standin.person({ email, refusal: "invalid_rapt" });
    const { status, body } = await refresh(standin, refreshToken);
    assert.deepEqual([status, body["error"], body["error_subtype"]], [400, "invalid_grant", "invalid_rapt"]);
    standin.person({ email, refusal: "admin_policy_enforced" });
    assert.equal((await refresh(standin, refreshToken)).body["error"], "admin_policy_enforced");
    standin.person({ email, refusal: null });
    assert.equal((await refresh(standin, refreshToken)).status, 200);
    standin.settings({ refusal: "rapt_required" });
    assert.equal((await refresh(standin, refreshToken)).body["error_subtype"], "rapt_required");
  });
});

describe("providers that rotate", () => {
  test("a stand-in that rotates: strict: the old token is dead at once, and the log says that it was a used one", async () => {
    await using standin = await testStandin({ clock: stillClock(), rotation: "strict" });
    const { refreshToken } = await grant(standin);
    const next = (await refresh(standin, refreshToken)).body["refresh_token"];
    assert.equal(typeof next, "string");
    assert.equal((await refresh(standin, refreshToken)).body["error"], "invalid_grant");
    assert.equal(standin.log().entries.at(-1)?.outcome, "reused_token");
    assert.equal((await refresh(standin, next)).status, 200, "without family revocation the new one lives on");
  });

  test("a stand-in that rotates: strict with family revocation: one reuse ends all of them, access tokens too", async () => {
    await using standin = await testStandin({ clock: stillClock(), rotation: "strict", revokeFamilyOnReuse: true });
    const { refreshToken } = await grant(standin);
    const other = await grant(standin);
    const { body } = await refresh(standin, refreshToken);
    await refresh(standin, refreshToken);
    assert.equal((await refresh(standin, body["refresh_token"])).body["error"], "invalid_grant");
    assert.equal(await alive(standin, body["access_token"]), 401);
    assert.equal((await refresh(standin, other.refreshToken)).status, 200, "other families are not concerned");
  });

  test("a stand-in that rotates ends a family by its newest refresh token or an access token, not by a replaced one", async () => {
    await using standin = await testStandin({
      clock: stillClock(),
      rotation: "strict",
      revocationEnds: "family",
    });
    const revoke = (token: unknown): ReturnType<typeof post> => post(standin, "/revoke", { token: String(token) });
    const [one, two] = [await grant(standin), await grant(standin)];
    const { body } = await refresh(standin, one.refreshToken);
    assert.deepEqual((await revoke(one.refreshToken)).body["error"], "invalid_token");
    assert.equal(await alive(standin, body["access_token"]), 200);
    assert.equal((await revoke(body["refresh_token"])).status, 200);
    assert.equal(await alive(standin, body["access_token"]), 401);
    assert.equal((await refresh(standin, body["refresh_token"])).body["error"], "invalid_grant");
    assert.equal(await alive(standin, two.accessToken), 200, "the person's other family lives");
    assert.equal((await revoke(two.accessToken)).status, 200);
    assert.equal((await refresh(standin, two.refreshToken)).body["error"], "invalid_grant");
  });

  test("a stand-in that rotates: grace: the last replaced token brings the same successor again, for a while", async () => {
    await using standin = await testStandin({
      clock: stillClock(),
      rotation: "grace",
      graceSeconds: 30,
      revokeFamilyOnReuse: true,
    });
    const { refreshToken } = await grant(standin);
    const first = await refresh(standin, refreshToken);
    standin.advance(30_000);
    const again = await refresh(standin, refreshToken);
    assert.equal(again.body["refresh_token"], first.body["refresh_token"]);
    assert.notEqual(again.body["access_token"], first.body["access_token"]);
    assert.equal(standin.log().entries.at(-1)?.outcome, "refreshed_in_grace");
    standin.advance(1);
    assert.equal((await refresh(standin, refreshToken)).body["error"], "invalid_grant");
    assert.equal((await refresh(standin, first.body["refresh_token"])).body["error"], "invalid_grant");
  });

  test("a stand-in that rotates: grace: a token whose successor was used is a used token, whatever the time", async () => {
    await using standin = await testStandin({ clock: stillClock(), rotation: "grace", graceSeconds: 30 });
    const { refreshToken } = await grant(standin);
    const { body } = await refresh(standin, refreshToken);
    assert.equal((await refresh(standin, body["refresh_token"])).status, 200);
    assert.equal((await refresh(standin, refreshToken)).body["error"], "invalid_grant");
    assert.equal(standin.log().entries.at(-1)?.outcome, "reused_token");
  });

  test("the rotation of a stand-in can be changed while it runs, over HTTP too", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    const { refreshToken } = await grant(standin);
    const { status, body } = await control(standin, "settings", { rotation: "strict", revoke_family_on_reuse: true });
    assert.deepEqual([status, body["rotation"]], [200, "strict"]);
    assert.equal(typeof (await refresh(standin, refreshToken)).body["refresh_token"], "string");
  });
});

describe("revocation", () => {
  const ways: [name: string, send: (url: string, token: string) => Promise<Response>][] = [
    ["in the body", (url, token) => fetch(url, { method: "POST", body: new URLSearchParams({ token }) })],
    ["in the query", (url, token) => fetch(`${url}?${new URLSearchParams({ token }).toString()}`, { method: "POST" })],
  ];
  for (const [name, send] of ways) {
    test(`revocation at the stand-in ends everything of that account and project, token ${name}`, async () => {
      await using standin = await testStandin({ clock: stillClock() });
      const sibling = standin.client({ name: "Same project" });
      const [first, second] = [await grant(standin), await grant(standin)];
      const bySibling = await exchange(standin, standin.code({ email, clientId: sibling.clientId, scope: appData }), {
        client_id: sibling.clientId,
        client_secret: sibling.clientSecret ?? "",
      });
      const stranger = await grant(standin, "carl@example.com");
      const answer = await send(`${standin.url}/revoke`, first.accessToken);
      assert.deepEqual([answer.status, await answer.json()], [200, {}]);
      assert.equal((await refresh(standin, second.refreshToken)).body["error"], "invalid_grant");
      assert.equal(await alive(standin, bySibling.body["access_token"]), 401);
      assert.equal((await refresh(standin, stranger.refreshToken)).status, 200);
      const again = await send(`${standin.url}/revoke`, first.refreshToken);
      assert.equal(again.status, 400);
      assert.equal(((await again.json()) as { error: string }).error, "invalid_token");
    });
  }

  test("revocation at the stand-in may take a while, and then a reconnect in the meantime dies with it", async () => {
    await using standin = await testStandin({ clock: stillClock(), revocationLagSeconds: 60 });
    const before = await grant(standin);
    await fetch(`${standin.url}/revoke?token=${encodeURIComponent(before.refreshToken)}`, { method: "POST" });
    const meanwhile = await grant(standin);
    standin.advance(59_999);
    assert.equal((await refresh(standin, before.refreshToken)).status, 200);
    standin.advance(1);
    for (const dead of [before, meanwhile]) {
      assert.equal((await refresh(standin, dead.refreshToken)).body["error"], "invalid_grant");
      assert.equal(await alive(standin, dead.accessToken), 401);
    }
    assert.equal(await alive(standin, (await grant(standin)).accessToken), 200);
  });

  test("revocation at the stand-in does not cross into another project of the same person", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    const other = standin.client({ clientId: "42-other.apps.googleusercontent.com" });
    const credentials = { client_id: other.clientId, client_secret: other.clientSecret ?? "" };
    const mine = await grant(standin);
    const theirs = await exchange(
      standin,
      standin.code({ email, clientId: other.clientId, scope: appData }),
      credentials,
    );
    await fetch(`${standin.url}/revoke?token=${encodeURIComponent(mine.refreshToken)}`, { method: "POST" });
    assert.equal((await refresh(standin, theirs.body["refresh_token"], credentials)).status, 200);
  });

  test("revocation at the stand-in takes the same token in query and body, as older clients send it, and no two different ones", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    const { accessToken, refreshToken } = await grant(standin);
    const revoke = async (inBody: string): Promise<number> => {
      const query = new URLSearchParams({ token: refreshToken });
      const body = new URLSearchParams({ token: inBody });
      return (await fetch(`${standin.url}/revoke?${query.toString()}`, { method: "POST", body })).status;
    };
    assert.equal(await revoke(accessToken), 400);
    assert.equal(await alive(standin, accessToken), 200);
    assert.equal(await revoke(refreshToken), 200);
  });

  test("revocation at the stand-in is POST only: older clients try GET first and go on after 405", async () => {
    await using standin = await testStandin({ clock: stillClock() });
    assert.equal((await fetch(`${standin.url}/revoke?token=x`)).status, 405);
    assert.equal((await fetch(`${standin.url}/revoke`, { method: "POST" })).status, 400);
  });
});
