import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import type { VaultVerbs } from "../../src/index.ts";
import { openRemoteVault } from "../../src/client/index.ts";
import { fails } from "../support/fails.ts";
import { testService } from "../support/test-service.ts";
import { usualScope } from "../support/test-vault.ts";
import { remote } from "./remote.ts";

const drive = "https://www.googleapis.com/drive/v3/files/appfolder";

describe("a remote vault", () => {
  test("gives the grant that an embedded one gives, from each verb that returns one", async (t) => {
    const { fixture, vault, url, key } = await testService(t);
    const { vault: far } = await remote(t, { url, key, clock: fixture.clock });
    const code = fixture.code("ada@example.com");
    const made = await far.exchangeCode({ code, source: "android", externalId: "user-42", account: "work" });
    const near = await vault.grant({ externalId: "user-42" });
    assert.deepEqual(made, near);
    assert.deepEqual(await far.exchangeCode({ code, source: "android", externalId: "user-42", account: "work" }), near);
    for (const ref of [
      made.grantId,
      { grantId: made.grantId },
      { subject: made.subject },
      { externalId: "user-42" },
      { provider: "google", externalId: "user-42", account: "work" },
      made,
    ]) {
      assert.deepEqual(await far.grant(ref), await vault.grant(ref), inspect(ref));
    }
    assert.deepEqual(await far.revoke(made), await vault.grant(made.grantId));
    assert.equal((await far.grant(made)).state, "revoked");
  });

  test("lists grants page by page as an embedded one does", async (t) => {
    const { fixture, vault, url, key, grant } = await testService(t);
    const { vault: far } = await remote(t, { url, key, clock: fixture.clock });
    for (let made = 0; made < 5; made += 1) await grant();
    const pages = async (of: VaultVerbs): Promise<string[]> => {
      const ids: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await of.grants({ limit: 2, ...(cursor === undefined ? {} : { cursor }) });
        ids.push(page.grants.map(({ grantId }) => grantId).join(" "));
        ({ cursor } = page);
      } while (cursor !== undefined);
      return ids;
    };
    assert.equal((await pages(far)).length, 3);
    assert.deepEqual(await pages(far), await pages(vault));
    assert.deepEqual(await far.grants({ state: "lapsed" }), await vault.grants({ state: "lapsed" }));
  });

  test("gives the token that an embedded one gives, and no log shows it", async (t) => {
    const { fixture, vault, url, key, grant } = await testService(t);
    const { vault: far, newRequests } = await remote(t, { url, key, clock: fixture.clock });
    const { grantId } = await grant();
    const [near, given] = [await vault.getAccessToken(grantId), await far.getAccessToken(grantId)];
    assert.equal(given.token, near.token);
    assert.deepEqual([given.grantId, given.scopes], [near.grantId, near.scopes]);
    const early = Number(near.expiresAt) - Number(given.expiresAt);
    assert.ok(early >= 0 && early <= 1_000, `never later than it ends: ${early}`);
    assert.deepEqual(newRequests(), [`GET /v1/grants/${grantId}/token`]);
    const shown = inspect(far, { depth: 20, showHidden: true }) + inspect(given) + JSON.stringify(given);
    for (const secret of [key, given.token]) assert.ok(!shown.includes(secret));
  });

  test("takes in a refresh token, makes tickets, and follows connect links", async (t) => {
    const { fixture, vault, url, key } = await testService(t, { returnUrls: ["https://app.example/*"] });
    const { vault: far } = await remote(t, { url, key, clock: fixture.clock });
    const ticket = await far.createTicket({ externalId: "user-1", scopes: usualScope.split(" ") });
    assert.match(ticket.ticket, /^obt_/);
    assert.equal(Number(ticket.expiresAt), fixture.clock.now() + 300_000);
    const link = await far.beginConnect({ externalId: "user-1", returnUrl: "https://app.example/back" });
    assert.ok(link.url.startsWith(`${url}/connect/`));
    assert.deepEqual(await far.connectStatus(link.connectId), { status: "waiting" });
    await assert.rejects(far.finishConnect(link.connectId), fails("connect_waiting"));
    await assert.rejects(far.connectStatus(`c_${"x".repeat(43)}`), fails("connect_not_found"));
    const bought = await fetch(`${fixture.standin.url}/token`, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "authorization_code",
        redirect_uri: "",
        code: fixture.code("carl@example.com"),
        client_id: fixture.standin.clientId,
        client_secret: fixture.standin.clientSecret,
      }),
    });
    const { refresh_token: refreshToken = "" } = (await bought.json()) as { refresh_token?: string };
    const deposited = await far.deposit({ refreshToken, externalId: "user-43" });
    assert.deepEqual(deposited, await vault.grant({ externalId: "user-43" }));
    await assert.rejects(far.deposit({ refreshToken: "1//0never", externalId: "user-44" }), fails("deposit_refused"));
  });

  test("looks at the provider, and makes, lists and ends handles, as an embedded one does", async (t) => {
    const { fixture, vault, url, key, grant } = await testService(t);
    const { vault: far } = await remote(t, { url, key, clock: fixture.clock });
    const { grantId } = await grant();
    assert.deepEqual(await far.probe(grantId), await vault.probe(grantId));
    const { handle, secret } = await far.handles.create(grantId, { name: "job", expiresInSeconds: 60 });
    assert.match(secret.expose(), /^obh_/);
    assert.equal(handle.forCaller, "all", "the caller itself, where nobody is named");
    assert.deepEqual(await far.handles.list(grantId), await vault.handles.list(grantId));
    const ended = await far.handles.revoke(grantId, handle.handleId);
    assert.deepEqual(ended.revokedAt, new Date(fixture.clock.now()));
    assert.deepEqual(await far.handles.list({ grantId }), [ended]);
    await assert.rejects(far.handles.revoke(grantId, "0".repeat(16)), fails("handle_not_found"));
    await assert.rejects(far.handles.create(grantId, { nane: "x" } as never), fails("invalid_request"));
    await assert.rejects(far.probe("g_none"), fails("grant_not_found"));
  });

  test("makes, lists and ends sessions of its own caller, with which another remote vault asks", async (t) => {
    const { fixture, vault, url, key, grant } = await testService(t);
    const { vault: far } = await remote(t, { url, key, clock: fixture.clock });
    const { grantId } = await grant();
    const made = await far.sessions.create({ allow: ["token"], grants: [grantId], expiresInSeconds: 600 });
    assert.equal(Number(made.session.expiresAt), fixture.clock.now() + 600_000);
    const { sessions } = await vault.sessions.list();
    const [own] = sessions;
    const listed = await far.sessions.list({ limit: 5 });
    assert.deepEqual(
      listed.sessions.map((each) => Object.assign(each, { callerId: own?.callerId })),
      sessions,
    );
    const { vault: agent } = await remote(t, { url, key: made.key, clock: fixture.clock });
    assert.equal((await agent.getAccessToken(grantId)).grantId, grantId);
    await assert.rejects(agent.grant(grantId), fails("forbidden"));
    await far.sessions.revoke(made.session.sessionId);
    await assert.rejects(far.sessions.revoke(made.session.sessionId), fails("session_not_found"));
    await assert.rejects(far.sessions.create({ allow: ["token"], grants: ["nobody"] }), fails("invalid_request"));
    await assert.rejects(far.sessions.create({ allow: ["token"] } as never), fails("invalid_request", "grants"));
    fixture.clock.advance(2_000);
    await assert.rejects(agent.getAccessToken(grantId, { minTtlSeconds: 3_598 }), fails("unauthorized"));
    assert.equal(agent.peekAccessToken(grantId), undefined);
  });

  test("throws the errors of an embedded one, with code, status, hint, details and the id of the request", async (t) => {
    const { fixture, vault, url, key, grant, keyFor } = await testService(t);
    const { vault: far, sent } = await remote(t, { url, key, clock: fixture.clock });
    const { grantId } = await grant();
    await vault.revoke(grantId);
    for (const ask of [
      (of: VaultVerbs) => of.getAccessToken(grantId),
      (of: VaultVerbs) => of.grant("g_none"),
      (of: VaultVerbs) => of.grant("ext:somebody"),
      (of: VaultVerbs) => of.getAccessToken({ externalId: "nobody" }),
      (of: VaultVerbs) => of.exchangeCode({ code: "4/0Anever-issued", source: "android" }),
      (of: VaultVerbs) => of.exchangeCode({ code: "4/x", source: "android", redirectUri: "https://app.example" }),
      (of: VaultVerbs) => of.grants({ limit: 0 }),
      (of: VaultVerbs) => of.grants({ extenalId: "user-1" } as object),
      (of: VaultVerbs) => of.getAccessToken(undefined as unknown as string),
      (of: VaultVerbs) => of.getAccessToken(grantId, { minTtl: 5 } as object),
      (of: VaultVerbs) => of.exchangeCode({ code: 5 } as never),
    ]) {
      const [near, away] = await Promise.all([failure(ask(vault)), failure(ask(far))]);
      assert.deepEqual(
        [away.name, away["code"], away["status"], away["details"]],
        [near.name, near["code"], near["status"], near["details"]],
        ask.toString(),
      );
      assert.notEqual(away["hint"], "");
    }
    const denied = await failure((await remote(t, { url, key: await keyFor("proxy") })).vault.getAccessToken(grantId));
    assert.equal(denied["code"], "forbidden");
    assert.deepEqual(denied["details"], { permission: "token" });
    const lost = await failure(far.getAccessToken(grantId));
    assert.equal(lost["requestId"], sent.at(-1)?.headers.get("x-request-id"));
    assert.match(String(lost["requestId"]), /^[\da-f-]{36}$/);
  });

  test("calls an API from here with a token, and no host that is none of the provider's", async (t) => {
    const { fixture, url, key, grant } = await testService(t);
    const { vault: far, newRequests } = await remote(t, { url, key, clock: fixture.clock });
    const { grantId } = await grant();
    assert.equal((await far.fetch(grantId, drive)).status, 200);
    assert.equal((await far.fetch(grantId, drive)).status, 200);
    const folder = `GET ${fixture.standin.url}/drive/v3/files/appfolder`;
    assert.deepEqual(newRequests(), [`GET /v1/grants/${grantId}/token`, "GET /v1/providers", folder, folder]);
    for (const address of [
      "https://evil.example/",
      "http://www.googleapis.com/drive/v3/files",
      "https://oauth2.googleapis.com/token",
      "https://www.googleapis.com:444/",
      "https://www.googleapis.com.evil.example/",
    ]) {
      await assert.rejects(far.fetch(grantId, address), fails("host_not_allowed"));
    }
    await assert.rejects(far.fetch(grantId, drive, { headers: { host: "evil.example" } }), fails("invalid_request"));
    assert.deepEqual(newRequests(), []);
  });

  test("replaces a token that an API refuses, once, and repeats the call", async (t) => {
    const { fixture, url, key, grant } = await testService(t);
    const { vault: far, newRequests } = await remote(t, { url, key, clock: fixture.clock });
    const { grantId } = await grant();
    const before = await far.getAccessToken(grantId);
    fixture.standin.fault("GET", "/drive/v3/files/appfolder", { status: 401, times: 1 });
    newRequests();
    assert.equal((await far.fetch(grantId, drive)).status, 200);
    const refused = createHash("sha256").update(before.token).digest("hex");
    assert.ok(newRequests().includes(`GET /v1/grants/${grantId}/token?refused=${refused}`));
    assert.notEqual((await far.getAccessToken(grantId)).token, before.token);
    assert.deepEqual(newRequests(), [], "the new one is kept");

    fixture.standin.fault("GET", "/drive/v3/files/appfolder", { status: 401, times: 5 });
    const refusedAgain = await far.fetch(grantId, drive);
    assert.equal(refusedAgain.status, 401, "an API that refuses every token is passed on");
    assert.match(String(refusedAgain.headers.get("onbehalf-refresh")), /^skipped; retry-after=\d+$/);
  });

  test("calls an API through the proxy where the key may see no token", async (t) => {
    const { fixture, vault, url, keyFor } = await testService(t);
    const grant = await vault.exchangeCode({ code: fixture.code("ada@example.com"), externalId: "user-1" });
    const key = await keyFor("proxy", "grants:read");
    const { vault: far, newRequests } = await remote(t, { url, key, clock: fixture.clock });
    assert.equal((await far.fetch(grant, `${drive}?fields=id`)).status, 200);
    assert.equal((await far.fetch({ provider: "google", externalId: "user-1" }, drive)).status, 200);
    assert.deepEqual(newRequests(), [
      `GET /v1/grants/${grant.grantId}/token`,
      `GET /v1/grants/${grant.grantId}/proxy/www.googleapis.com/drive/v3/files/appfolder?fields=id`,
      "GET /v1/grants/ext:user-1?provider=google",
      `GET /v1/grants/${grant.grantId}/proxy/www.googleapis.com/drive/v3/files/appfolder`,
    ]);
    const made = await far.fetch(grant, "https://www.googleapis.com/drive/v3/files", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "notes.txt", parents: ["appDataFolder"] }),
    });
    assert.equal(((await made.json()) as { name: string }).name, "notes.txt");
    await assert.rejects(far.fetch(grant, "https://evil.example/"), fails("host_not_allowed"));
    await assert.rejects(far.fetch("g_none", drive), fails("grant_not_found"));
  });

  test("pings, and is over once it is closed", async (t) => {
    const { url, key, grant, store } = await testService(t);
    const { grantId } = await grant();
    const far = await openRemoteVault({ url, key });
    await far.ping();
    await far.getAccessToken(grantId);
    await store.close();
    await assert.rejects(far.ping(), fails("store_unavailable"));
    await far.close();
    await far.close();
    await assert.rejects(far.getAccessToken(grantId), fails("service_unavailable", "closed"));
    await assert.rejects(far.grant(grantId), fails("service_unavailable", "closed"));
    await assert.rejects(far.fetch(grantId, drive), fails("service_unavailable", "closed"));
  });
});

async function failure(work: Promise<unknown>): Promise<Error & Readonly<Record<string, unknown>>> {
  return work.then(
    () => assert.fail("it did not fail"),
    (error: unknown) => error as Error & Record<string, unknown>,
  );
}
