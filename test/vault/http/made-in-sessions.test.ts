/** What a session makes for a person's device or browser ends with the session, and with its maker. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { TestContext } from "node:test";
import type { CallerView, Vault } from "../../../src/index.ts";
import { permissions } from "../../../src/vault/http/callers.ts";
import { fails } from "../../support/fails.ts";
import { sharedStandin, testVault } from "../../support/test-vault.ts";
import type { SharedStandin, TestVault } from "../../support/test-vault.ts";

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

interface Made {
  readonly fixture: TestVault;
  readonly vault: Vault;
  readonly sessionId: string;
  /** Who uses the session's key. */
  readonly view: CallerView;
}

async function made(t: TestContext): Promise<Made> {
  const fixture = await testVault(t, { shared });
  const vault = await fixture.open({
    connect: { baseUrl: "https://app.example/connect", returnUrls: ["https://app.example/"] },
  });
  await vault.callers.create("backend", { allow: permissions });
  const { session, key } = await vault.sessions.create("backend", { allow: ["connect"], grants: ["ext:user-*"] });
  const view = vault.forCaller(await vault.callers.authenticate(`Bearer ${key.expose()}`));
  return { fixture, vault, sessionId: session.sessionId, view };
}

const ends = [
  ["is ended", async ({ vault, sessionId }: Made) => vault.sessions.revoke(sessionId)],
  ["is over", async ({ fixture }: Made) => fixture.clock.advance(3_600_000)],
  ["loses its maker", async ({ vault }: Made) => vault.callers.revoke("backend")],
] as const;

describe("a ticket", () => {
  test("of a session works while the session does, for its users alone", async (t) => {
    const { fixture, vault, view } = await made(t);
    await assert.rejects(view.createTicket({ externalId: "other-1" }), fails("forbidden"));
    const { ticket } = await view.createTicket({ externalId: "user-1" });
    const grant = await vault.exchangeCode({ code: fixture.code("ada@example.com"), source: "android", ticket });
    assert.equal(grant.externalId, "user-1");
  });

  for (const [how, end] of ends) {
    test(`of a session is refused once the session ${how}, before the code is used`, async (t) => {
      const all = await made(t);
      const { fixture, vault, view } = all;
      const { ticket } = await view.createTicket({ externalId: "user-1" });
      fixture.newRequests();
      await end(all);
      const exchange = { code: fixture.code("ada@example.com"), source: "android", ticket } as const;
      await assert.rejects(vault.exchangeCode(exchange), fails("ticket_invalid"));
      assert.deepEqual(fixture.newRequests(), []);
    });
  }
});

describe("a connect link", () => {
  const asked = { externalId: "user-1", returnUrl: "https://app.example/" };

  /** The person's browser, at a link. */
  async function opened(vault: Vault, url: string): Promise<Response> {
    return vault.connectHandler()(new Request(url));
  }

  for (const [how, end] of ends) {
    test(`of a session is over once the session ${how}: nobody begins it any more`, async (t) => {
      const all = await made(t);
      const { vault, view } = all;
      const link = await view.beginConnect(asked);
      assert.equal((await opened(vault, link.url)).status, 200);
      assert.equal((await vault.connectStatus(link.connectId)).status, "waiting");
      await end(all);
      assert.equal((await opened(vault, link.url)).status, 410);
      assert.equal((await vault.connectStatus(link.connectId)).status, "expired");
      await assert.rejects(vault.finishConnect(link.connectId), fails("connect_expired"));
    });
  }

  test("of a session that ends while its person is at the provider brings no grant", async (t) => {
    const all = await made(t);
    const { fixture, vault, view, sessionId } = all;
    const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    const { url, connectId } = await view.beginConnect({ ...asked, codeChallenge: challenge });
    const sent = await opened(vault, url);
    const at = new URL(sent.headers.get("location") ?? "");
    await vault.sessions.revoke(sessionId);
    fixture.newRequests();
    const code = fixture.code("ada@example.com");
    const back = new URL("https://app.example/connect/callback");
    back.search = new URLSearchParams({ code, state: at.searchParams.get("state") ?? "" }).toString();
    const cookie = (sent.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
    await vault.connectHandler()(new Request(back, { headers: { cookie } }));
    assert.equal((await vault.connectStatus(connectId)).status, "expired");
    assert.deepEqual((await vault.grants()).grants, []);
    assert.deepEqual(fixture.newRequests(), []);
  });

  test("of the app itself, and one of a caller that is still there, go on", async (t) => {
    const { vault, sessionId } = await made(t);
    const caller = (await vault.callers.list())[0] ?? assert.fail("there is a caller");
    const [own, callers] = [await vault.beginConnect(asked), await vault.forCaller(caller).beginConnect(asked)];
    await vault.sessions.revoke(sessionId);
    for (const { url } of [own, callers]) assert.equal((await opened(vault, url)).status, 200);
    await vault.callers.revoke("backend");
    assert.equal((await opened(vault, own.url)).status, 200);
    assert.equal((await opened(vault, callers.url)).status, 410);
  });
});
