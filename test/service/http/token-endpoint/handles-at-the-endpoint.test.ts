import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import type { TestContext } from "node:test";
import { endpointOver, oauthError, tokenEndpointFor, tokenIn } from "../../../support/token-endpoint.ts";
import type { TokenEndpoint } from "../../../support/token-endpoint.ts";
import { appData, outcomes, sharedStandin, usualScope } from "../../../support/test-vault.ts";
import type { SharedStandin } from "../../../support/test-vault.ts";

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

const here = (t: TestContext): Promise<TokenEndpoint> => tokenEndpointFor(t, shared);
const unknown = /unknown here, or is another caller's/;

describe("a handle at the token endpoint", () => {
  test("a handle gives its caller the access token, with its life and scopes, and no refresh token", async (t) => {
    const { ask, fixture } = await here(t);
    const body = await tokenIn(await ask());
    assert.deepEqual(Object.keys(body).sort(), ["access_token", "expires_at", "expires_in", "scope", "token_type"]);
    assert.match(String(body["access_token"]), /^ya29\./);
    assert.equal(body["token_type"], "Bearer");
    assert.equal(body["expires_in"], 3_599);
    assert.equal(body["expires_at"], fixture.clock.now() / 1_000 + 3_599);
    assert.ok(String(body["scope"]).split(" ").includes(appData));
  });

  test("twenty parallel requests with a handle share one refresh with those of the token route", async (t) => {
    const { ask, fixture, vault, grantId, client } = await here(t);
    fixture.clock.advance(3_700_000);
    fixture.newRequests();
    const caller = await vault.callers.authenticate(`Bearer ${client.key}`);
    const view = vault.forCaller(caller);
    const answers = await Promise.all([
      ...Array.from({ length: 20 }, async () => (await tokenIn(await ask()))["access_token"]),
      ...Array.from({ length: 20 }, async () => (await view.getAccessToken({ grantId })).token),
    ]);
    assert.equal(new Set(answers).size, 1);
    assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 1 });
  });

  test("a handle that was ended is invalid_grant, and its description says so; ending it again changes nothing", async (t) => {
    const { ask, vault, grantId, handle, fixture } = await here(t);
    await tokenIn(await ask());
    const ended = await vault.handles.revoke({ grantId }, handle.handleId);
    assert.equal(ended.revokedAt?.getTime(), fixture.clock.now());
    assert.match(await oauthError(await ask(), "invalid_grant"), /was ended/);
    fixture.clock.advance(5_000);
    assert.deepEqual(await vault.handles.revoke({ grantId }, handle.handleId), ended);
  });

  test("a handle that has expired is invalid_grant, and its description says so, from the second on that it expires", async (t) => {
    const { ask, newHandle, fixture } = await here(t);
    const { secret, handle } = await newHandle({ expiresInSeconds: 60 });
    assert.equal(handle.expiresAt?.getTime(), fixture.clock.now() + 60_000);
    fixture.clock.advance(59_999);
    await tokenIn(await ask({ refresh_token: secret }));
    fixture.clock.advance(1);
    assert.match(await oauthError(await ask({ refresh_token: secret }), "invalid_grant"), /has expired/);
  });

  test("another caller's handle is answered as one that nobody has, byte by byte, whatever has become of it", async (t) => {
    const { ask, newClient, newHandle, vault, grantId } = await here(t);
    const other = await newClient();
    const ended = await newHandle();
    await vault.handles.revoke({ grantId }, ended.handle.handleId);
    const never = await newHandle();
    // The secret of one with the id of another: a handle that has the right form, and was never made.
    const answers = await Promise.all(
      [{}, { refresh_token: ended.secret }, { refresh_token: await forged(never.secret) }].map(async (fields) => {
        const response = await ask(fields, other);
        const headers = [...response.headers].filter(([name]) => name !== "x-request-id");
        return { headers, text: await response.text(), status: response.status };
      }),
    );
    assert.deepEqual(answers[0], answers[1]);
    assert.deepEqual(answers[0], answers[2]);
    assert.match(answers[0]?.text ?? "", unknown);
  });

  test("a handle of a grant that its caller does not see any more is answered as one that nobody has", async (t) => {
    const { fixture, vault, newClient, ask } = await here(t);
    const client = await newClient({ grants: ["ext:moving-user"] });
    const ada = await vault.exchangeCode({ code: fixture.code("ada@example.com"), externalId: "moving-user" });
    const { secret } = await vault.handles.create(
      { grantId: ada.grantId },
      { name: "reports", forCaller: client.name },
    );
    const refresh_token = secret.expose();
    await tokenIn(await ask({ refresh_token }, client));
    // The user's id means another account from now on.
    await vault.exchangeCode({
      code: fixture.code("carl@example.com"),
      externalId: "moving-user",
      moveExternalId: true,
    });
    fixture.clock.advance(1_000);
    const lost = await ask({ refresh_token }, client);
    const nobodys = await ask({ refresh_token: await forged(refresh_token) }, client);
    assert.equal(await lost.clone().text(), await nobodys.text());
    assert.match(await oauthError(lost, "invalid_grant"), unknown);
  });

  test("a handle ends with its caller's key: not the handle but the client is refused, also under the same name anew", async (t) => {
    const { ask, vault, client, newHandle } = await here(t);
    await tokenIn(await ask());
    await vault.callers.revoke(client.name);
    await oauthError(await ask(), "invalid_client", 401);
    const { key } = await vault.callers.create(client.name, { allow: ["token"] });
    assert.match(await oauthError(await ask({}, { ...client, key: key.expose() }), "invalid_grant"), unknown);
    await tokenIn(await ask({ refresh_token: (await newHandle()).secret }, { ...client, key: key.expose() }));
  });

  test("a handle works with its caller's new key after a rotation, and with the one before while that works", async (t) => {
    const { ask, vault, client, fixture } = await here(t);
    const { key } = await vault.callers.rotate(client.name, { overlapMs: 60_000 });
    await tokenIn(await ask());
    await tokenIn(await ask({}, { ...client, key: key.expose() }));
    fixture.clock.advance(60_000);
    await oauthError(await ask(), "invalid_client", 401);
    await tokenIn(await ask({}, { ...client, key: key.expose() }));
  });

  test("after its grant has lapsed a handle is invalid_grant that asks for consent; it works again after the new consent", async (t) => {
    const { ask, vault, fixture, grantId } = await here(t);
    const { profile, externalId } = await vault.grant({ grantId });
    const email = String(profile.email);
    fixture.standin.revoke(email);
    fixture.clock.advance(3_700_000);
    assert.match(await oauthError(await ask(), "invalid_grant"), /^consent is needed again: .*since/);
    const again = await vault.exchangeCode({ code: fixture.code(email), ...(externalId && { externalId }) });
    assert.equal(again.grantId, grantId);
    await tokenIn(await ask());
  });

  test("after its grant was revoked a handle is invalid_grant; it works again once the same account has consented anew", async (t) => {
    const { ask, vault, fixture, grantId } = await here(t);
    const { profile } = await vault.grant({ grantId });
    await vault.revoke({ grantId });
    assert.match(await oauthError(await ask(), "invalid_grant"), /^consent is needed again: .*ended here/);
    const again = await vault.exchangeCode({ code: fixture.code(String(profile.email)) });
    assert.equal(again.grantId, grantId);
    await tokenIn(await ask());
  });

  test("a handle does not follow its user to another account: it names a grant, and no person", async (t) => {
    const { ask, vault, fixture, grantId } = await here(t);
    const { externalId = "" } = await vault.grant({ grantId });
    await vault.revoke({ grantId });
    await vault.exchangeCode({ code: fixture.code("somebody-else@example.com"), externalId });
    assert.match(await oauthError(await ask(), "invalid_grant"), /^consent is needed again/);
  });

  test("a handle with scopes gives no token once the grant holds more, and says what is beyond", async (t) => {
    const { fixture, vault, ask, newClient } = await here(t);
    const client = await newClient();
    const calendar = "https://www.googleapis.com/auth/calendar";
    const grant = await vault.exchangeCode({ code: fixture.code("limited@example.com") });
    const { secret } = await vault.handles.create(
      { grantId: grant.grantId },
      // The app's own spelling of what Google calls drive.appdata.
      { name: "reports", forCaller: client.name, scopes: ["https://www.googleapis.com/auth/drive.appfolder"] },
    );
    const refresh_token = secret.expose();
    await tokenIn(await ask({ refresh_token }, client));
    await vault.exchangeCode({ code: fixture.code("limited@example.com", `${usualScope} ${calendar}`) });
    fixture.clock.advance(1_000);
    const says = await oauthError(await ask({ refresh_token }, client), "invalid_scope");
    assert.ok(says.includes(calendar), says);
    assert.ok(!says.includes("userinfo"), "who signed in is beyond no limit");
  });

  test("a scope that is asked for must be the grant's, in any spelling of the provider; what the token holds is told", async (t) => {
    const { ask } = await here(t);
    const body = await tokenIn(await ask({ scope: "email https://www.googleapis.com/auth/drive.appfolder" }));
    assert.ok(String(body["scope"]).split(" ").includes("openid"), "the token cannot be narrowed");
    await tokenIn(await ask({ scope: "" }));
    const says = await oauthError(await ask({ scope: `${appData} https://mail.google.com/` }), "invalid_scope");
    assert.match(says, /does not hold https:\/\/mail\.google\.com\/$/);
  });

  test("an ended handle is noticed by another process within a second", async (t) => {
    const first = await here(t);
    const other = await endpointOver(first.fixture, await first.fixture.open());
    const askOther = (): Promise<Response> => other.ask({ refresh_token: first.secret }, first.client);
    await tokenIn(await askOther());
    await first.vault.handles.revoke({ grantId: first.grantId }, first.handle.handleId);
    first.fixture.clock.advance(1_000);
    assert.match(await oauthError(await askOther(), "invalid_grant"), /was ended/);
  });

  test("a row of a handle that was changed by hand is not believed, whatever was changed", async (t) => {
    const { ask, vault, newHandle, newClient, fixture, grantId } = await here(t);
    const other = await newClient();
    const elsewhere = await vault.exchangeCode({ code: fixture.code("elsewhere@example.com") });
    const raw = new DatabaseSync(fixture.path);
    t.after(() => raw.close());
    const changes: Record<string, string | number | null> = {
      grant_id: elsewhere.grantId,
      provider: "oidc",
      caller_id: other.callerId,
      name: "exports",
      scopes: null,
      created_at: 1,
      expires_at: fixture.clock.now() * 2,
    };
    let n = 0;
    for (const [column, value] of Object.entries(changes)) {
      const { secret, handle } = await newHandle({ expiresInSeconds: 600, scopes: [appData] });
      raw.prepare(`UPDATE handles SET ${column} = ? WHERE handle_id = ?`).run(value, handle.handleId);
      const client = column === "caller_id" ? other : undefined;
      assert.match(await oauthError(await ask({ refresh_token: secret }, client), "invalid_grant"), unknown, column);
      n += 1;
    }
    assert.equal(n, 7);
    assert.equal((await vault.handles.list({ grantId })).length, 7);
  });

  test("when a handle was used last is known to ten minutes, and a handle that nobody used has no such time", async (t) => {
    const { ask, vault, grantId, fixture, newHandle, handle } = await here(t);
    const unused = await newHandle();
    await tokenIn(await ask());
    const usedAt = fixture.clock.now();
    fixture.clock.advance(5_000);
    await tokenIn(await ask());
    await vault.close();
    const again = await fixture.open();
    const listed = await again.handles.list({ grantId });
    const used = (handleId: string): number | undefined =>
      listed.find((each) => each.handleId === handleId)?.lastUsedAt?.getTime();
    assert.equal(used(handle.handleId), usedAt);
    assert.equal(used(unused.handle.handleId), undefined);
  });
});

/** A handle of the right form, with the checksum that it must have, and another secret. */
async function forged(handle: string): Promise<string> {
  const [, id = ""] = handle.split("_");
  const start = `obh_${id}_${"0".repeat(64)}`;
  const sum = Buffer.from(await crypto.subtle.digest("SHA-256", Buffer.from(start))).toString("hex");
  return `${start}_${sum.slice(0, 8)}`;
}
