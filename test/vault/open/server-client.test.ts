import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { SignJWT, exportJWK, generateKeyPair } from "jose";
import { keyringFromKeys, mcpServer, openKeeper } from "../../../src/index.ts";
import type { Provider, Vault, VaultOptions } from "../../../src/index.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { testMcpServer, verifier } from "../../support/mcp-server.ts";
import type { TestMcpServer } from "../../support/mcp-server.ts";
import { testVault, until } from "../../support/test-vault.ts";

const redirectUri = "https://app.example/connect/callback";

/** What opens vaults over one file, each with the record of one MCP server. */
async function vaultsOver(
  t: TestContext,
  mcp: TestMcpServer,
  options: Partial<Parameters<typeof mcpServer>[0]> = {},
): Promise<{
  readonly provider: Provider;
  readonly path: string;
  readonly fixture: Awaited<ReturnType<typeof testVault>>;
  readonly open: (more?: Partial<VaultOptions>) => Promise<Vault>;
}> {
  const fixture = await testVault(t);
  const provider = mcpServer({ name: "tools", server: mcp.server, clientName: "Notes", redirectUri, ...options });
  const open = (more: Partial<VaultOptions> = {}): Promise<Vault> => fixture.open({ providers: [provider], ...more });
  return { provider, path: fixture.path, fixture, open };
}

function clientIdIn(vault: Vault): string {
  return vault.providers[0]?.clientId ?? "";
}

/** Signs in as somebody, through whatever client the server knows. The first attempt makes it known. */
async function signIn(vault: Vault, mcp: TestMcpServer, externalId = "user-1"): Promise<string> {
  const send = async (code: string): Promise<string> =>
    (await vault.exchangeCode({ code, redirectUri, codeVerifier: verifier, externalId })).grantId;
  if (clientIdIn(vault) === "") await send("not-a-code").catch(() => undefined);
  return send(mcp.code(clientIdIn(vault), verifier));
}

test("an MCP server's client is registered when it is first needed, and its grants are refreshed and revoked", async (t) => {
  const mcp = await testMcpServer(t);
  const { open, fixture } = await vaultsOver(t, mcp);
  const vault = await open();
  assert.equal(mcp.asked.length, 0, "nothing is asked while a vault is opened");
  const grantId = await signIn(vault, mcp);
  assert.equal(mcp.to("/register").length, 1);
  const { token } = await vault.getAccessToken({ grantId });
  fixture.clock.advance(3_700_000);
  const next = await vault.getAccessToken({ externalId: "user-1", provider: "tools" });
  assert.notEqual(next.token, token);
  const response = await vault.fetch({ grantId }, mcp.server, { method: "POST", body: "{}" });
  assert.equal(response.status, 200);
  const forms = mcp.to("/token").map(({ body }) => new URLSearchParams(body));
  assert.deepEqual([...new Set(forms.map((form) => form.get("resource")))], [mcp.server]);
  assert.equal((await vault.revoke({ grantId })).state, "revoked");
  assert.equal(mcp.to("/revoke").length, 1);
  assert.equal(mcp.to("/register").length, 1);
  const [clientId] = mcp.clients.keys();
  assert.deepEqual(
    fixture.events.filter(({ type }) => type === "client_registered"),
    [{ type: "client_registered", provider: "tools", clientId, issuer: mcp.issuer }],
  );
});

test("a server without any metadata is signed in at where its revision says, and refreshed after it names another authorization server", async (t) => {
  const [mcp, other] = [await testMcpServer(t), await testMcpServer(t)];
  const gone = { status: 404, body: "<p>not here</p>" };
  const resourcePaths = ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"];
  for (const path of [...resourcePaths, "/.well-known/oauth-authorization-server"]) mcp.answers.set(path, gone);
  const { open, fixture } = await vaultsOver(t, mcp);
  const vault = await open();
  const grantId = await signIn(vault, mcp);
  assert.equal((await vault.signIns.authorization("tools")).endpoint, `${mcp.origin}/authorize`);
  await vault.close();
  for (const path of resourcePaths) mcp.answers.set(path, mcp.resource({ authorization_servers: [other.issuer] }));
  const again = await open();
  fixture.clock.advance(3_700_000);
  assert.ok((await again.getAccessToken({ grantId })).token.startsWith("at-"));
  assert.deepEqual([mcp.to("/register").length, other.asked.length], [1, 0]);
});

test("what was registered is used by every vault on the store, also after a restart while the MCP server is away", async (t) => {
  const mcp = await testMcpServer(t);
  const { open, fixture } = await vaultsOver(t, mcp);
  const vault = await open();
  const grantId = await signIn(vault, mcp);
  await vault.close();
  mcp.answers.set("/mcp", { status: 503 });
  mcp.answers.set("/.well-known/oauth-protected-resource/mcp", { status: 503 });
  const again = await open();
  assert.equal(clientIdIn(again), [...mcp.clients.keys()][0]);
  fixture.clock.advance(3_700_000);
  assert.ok((await again.getAccessToken({ grantId })).token.startsWith("at-"));
  assert.equal(mcp.to("/register").length, 1);
});

test("a vault opens while the authorization server is away, and the first code after that is exchanged", async (t) => {
  const mcp = await testMcpServer(t);
  const { open, fixture } = await vaultsOver(t, mcp);
  mcp.answers.set("/mcp", { status: 503 });
  mcp.answers.set("/.well-known/oauth-protected-resource/mcp", { status: 503 });
  const vault = await open();
  const sent = { code: "a-code", redirectUri, codeVerifier: verifier, externalId: "user-1" };
  await assert.rejects(vault.exchangeCode(sent), { code: "provider_unavailable" });
  const asked = mcp.asked.length;
  await assert.rejects(vault.exchangeCode(sent), { code: "provider_unavailable" });
  assert.equal(mcp.asked.length, asked, "a server in trouble is not asked again with each code");
  assert.equal(fixture.events.filter(({ type }) => type === "discovery_failed").length, 1);
  assert.equal(mcp.to("/register").length, 0);
  mcp.answers.clear();
  fixture.clock.advance(10_001);
  await signIn(vault, mcp);
  assert.equal(mcp.to("/register").length, 1);
});

test("of four vaults that need a client at once one registers it, and all use it", async (t) => {
  const mcp = await testMcpServer(t);
  const { open } = await vaultsOver(t, mcp);
  const vaults = await Promise.all([open(), open(), open(), open()]);
  await Promise.all(
    vaults.map((vault) =>
      vault
        .exchangeCode({ code: "no-code", redirectUri, codeVerifier: verifier, externalId: "u" })
        .catch(() => undefined),
    ),
  );
  const ids = new Set(vaults.map(clientIdIn));
  assert.equal(mcp.to("/register").length, 1);
  assert.deepEqual([...ids], [...mcp.clients.keys()]);
});

test("where the authorization server takes the address of a document, that is the client's id and nobody registers", async (t) => {
  const mcp = await testMcpServer(t);
  mcp.answers.set(
    "/.well-known/oauth-authorization-server",
    mcp.metadata({ client_id_metadata_document_supported: true }),
  );
  const clientDocumentUrl = "https://app.example/oauth/client/tools.json";
  const { open } = await vaultsOver(t, mcp, { clientDocumentUrl, scopes: ["tools"] });
  const vault = await open();
  assert.deepEqual(vault.clientDocument("tools"), {
    client_id: clientDocumentUrl,
    client_uri: "https://app.example",
    client_name: "Notes",
    redirect_uris: [redirectUri],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
    application_type: "web",
  });
  mcp.clients.set(clientDocumentUrl, { redirectUris: [redirectUri] });
  await signIn(vault, mcp);
  assert.equal(clientIdIn(vault), clientDocumentUrl);
  assert.equal(mcp.to("/register").length, 0);
});

test("without an address of a document a client is registered, whatever the server takes", async (t) => {
  const mcp = await testMcpServer(t);
  mcp.answers.set(
    "/.well-known/oauth-authorization-server",
    mcp.metadata({ client_id_metadata_document_supported: true }),
  );
  const { open } = await vaultsOver(t, mcp);
  const vault = await open();
  assert.equal(vault.clientDocument(), undefined);
  await signIn(vault, mcp);
  assert.equal(mcp.to("/register").length, 1);
});

test("a client that the record gives is used as it is, and its secret goes to the authorization server that was found first", async (t) => {
  const [mcp, thief] = [await testMcpServer(t), await testMcpServer(t)];
  mcp.clients.set("c-1", { secret: "s3cret", redirectUris: [redirectUri] });
  const { open, fixture } = await vaultsOver(t, mcp, { clientId: "c-1", clientSecret: "s3cret" });
  const vault = await open();
  const grantId = await signIn(vault, mcp);
  await vault.close();
  assert.equal(mcp.to("/register").length, 0);
  mcp.answers.set("/.well-known/oauth-protected-resource/mcp", mcp.resource({ authorization_servers: [thief.issuer] }));
  const again = await open();
  fixture.clock.advance(3_700_000);
  await again.getAccessToken({ grantId });
  await signIn(again, mcp, "user-2");
  assert.deepEqual(thief.asked, []);
});

test("a server that names another authorization server gets a new client there once no grant hangs on the old one", async (t) => {
  const [mcp, next] = [await testMcpServer(t), await testMcpServer(t)];
  const { open } = await vaultsOver(t, mcp);
  const vault = await open();
  const grantId = await signIn(vault, mcp);
  const [first] = mcp.clients.keys();
  await vault.close();
  mcp.answers.set("/.well-known/oauth-protected-resource/mcp", mcp.resource({ authorization_servers: [next.issuer] }));
  const used = await open();
  await signIn(used, mcp, "user-2");
  assert.equal(clientIdIn(used), first, "a grant hangs on it");
  await used.revoke({ grantId });
  await used.revoke({ externalId: "user-2" });
  await used.close();
  const moved = await open();
  const sent = { code: "no-code", redirectUri, codeVerifier: verifier, externalId: "user-3" };
  await assert.rejects(moved.exchangeCode(sent));
  assert.deepEqual([...next.clients.keys()], [clientIdIn(moved)]);
});

test("a client that the server has forgotten is registered again where no grant hangs on it, and never otherwise", async (t) => {
  const mcp = await testMcpServer(t);
  const { open, fixture } = await vaultsOver(t, mcp);
  const vault = await open();
  const sent = (code: string): Promise<unknown> =>
    vault.exchangeCode({ code, redirectUri, codeVerifier: verifier, externalId: "user-1" });
  await assert.rejects(sent("a"), { code: "code_rejected" });
  mcp.clients.clear();
  await assert.rejects(sent("b"), { code: "client_misconfigured" });
  fixture.clock.advance(120_000);
  const grantId = await signIn(vault, mcp);
  assert.equal(mcp.to("/register").length, 2);
  const kept = clientIdIn(vault);
  mcp.clients.clear();
  fixture.clock.advance(3_700_000);
  await assert.rejects(vault.getAccessToken({ grantId }), (error: { code: string; hint: string }) => {
    assert.equal(error.code, "client_misconfigured");
    assert.match(error.hint, /registered/);
    return true;
  });
  assert.equal(mcp.to("/register").length, 2);
  assert.equal(clientIdIn(vault), kept);
  assert.equal((await vault.grant({ grantId })).state, "active");
});

test("a secret that has ended is used as long as the server takes it, while a grant hangs on it, and replaced otherwise", async (t) => {
  const mcp = await testMcpServer(t);
  const { open, fixture } = await vaultsOver(t, mcp);
  const end = Math.floor(fixture.clock.now() / 1000) + 86_400;
  mcp.clients.set("c-1", { secret: "s", redirectUris: [redirectUri] });
  const body = { client_id: "c-1", client_secret: "s", client_secret_expires_at: end };
  mcp.answers.set("/register", { status: 201, body });
  const vault = await open();
  const grantId = await signIn(vault, mcp);
  mcp.answers.delete("/register");
  fixture.clock.advance(86_400_000);
  assert.ok((await vault.getAccessToken({ grantId })).token.startsWith("at-"));
  await signIn(vault, mcp, "user-2");
  assert.equal(mcp.to("/register").length, 1);
  await vault.revoke({ grantId });
  await vault.revoke({ externalId: "user-2" });
  fixture.clock.advance(86_400_000);
  const sent = { code: "no-code", redirectUri, codeVerifier: verifier, externalId: "user-3" };
  await assert.rejects(vault.exchangeCode(sent));
  assert.equal(mcp.to("/register").length, 2);
  assert.notEqual(clientIdIn(vault), "c-1");
});

test("a row that was changed by hand is used for nothing, and nothing is registered over it", async (t) => {
  const mcp = await testMcpServer(t);
  const { open, path, fixture } = await vaultsOver(t, mcp);
  const vault = await open();
  const grantId = await signIn(vault, mcp);
  await vault.close();
  const raw = new DatabaseSync(path);
  const row = raw.prepare("SELECT hex(registration_sealed) AS sealed FROM registered_clients").get();
  assert.ok(!Buffer.from(String(row?.["sealed"]), "hex").toString("latin1").includes("secret-"));
  raw.exec("UPDATE registered_clients SET registration_sealed = X'00'");
  raw.close();
  const again = await open();
  fixture.clock.advance(3_700_000);
  await assert.rejects(again.getAccessToken({ grantId }), (error: { details: { providerError?: string } }) => {
    assert.equal(error.details.providerError, "registration_unreadable");
    return true;
  });
  assert.equal(mcp.to("/register").length, 1);
});

test("a process that only reads learns of a client that another has registered at its first use", async (t) => {
  const mcp = await testMcpServer(t);
  const { open, provider, path, fixture } = await vaultsOver(t, mcp);
  const { key, clock } = fixture;
  const common = { clock, store: sqlite(path), keyring: keyringFromKeys(key), providers: [provider] };
  const keeper = await openKeeper(common);
  const reading = await open({ keeper });
  const other = await open({ keeper });
  t.after(async () => {
    await reading.close();
    await other.close();
    await keeper.close();
  });
  const first = { code: "no-code", redirectUri, codeVerifier: verifier, externalId: "user-1" };
  await assert.rejects(reading.exchangeCode(first), { code: "code_rejected" });
  const [clientId = ""] = mcp.clients.keys();
  const { grantId } = await reading.exchangeCode({ ...first, code: mcp.code(clientId, verifier) });
  assert.equal(clientIdIn(reading), clientId);
  const { key: callerKey } = await other.callers.create("app", { allow: ["grants:read"] });
  const view = other.forCaller(await other.callers.authenticate(`Bearer ${callerKey.expose()}`));
  assert.deepEqual(
    (await view.grants({})).grants.map((grant) => grant.grantId),
    [grantId],
  );
  assert.ok((await other.getAccessToken({ grantId })).token.startsWith("at-"));
  assert.equal((await other.getAccessToken({ externalId: "user-1" })).grantId, grantId);
});

test("a claim of a process that has died is taken over after a minute, and one that is young is waited for", async (t) => {
  const mcp = await testMcpServer(t);
  const { open, path, fixture } = await vaultsOver(t, mcp);
  const vault = await open();
  const store = sqlite(path);
  await store.open({ clock: fixture.clock });
  const claim = { provider: "tools", server: mcp.server, changedAt: fixture.clock.now() - 60_001 };
  await store.claimClient(claim, undefined);
  await signIn(vault, mcp);
  assert.equal(mcp.to("/register").length, 1);
  await vault.close();
  // The next one holds its claim, and lets go of it while it is waited for.
  const row = await store.registeredClient("tools", mcp.server);
  const young = { ...claim, changedAt: fixture.clock.now() };
  await store.claimClient(young, row);
  const waiting = await open();
  const exchange = waiting.exchangeCode({ code: "no-code", redirectUri, codeVerifier: verifier, externalId: "user-2" });
  await until(() => mcp.to("/.well-known/oauth-authorization-server").length > 1);
  assert.equal(mcp.to("/register").length, 1);
  await store.dropClaim(young);
  await assert.rejects(exchange, { code: "code_rejected" });
  assert.equal(mcp.to("/register").length, 2);
  await store.close();
});

test("tokens are asked for the resource that the server's metadata names, where that is its whole host", async (t) => {
  const mcp = await testMcpServer(t);
  mcp.answers.set("/.well-known/oauth-protected-resource/mcp", { status: 404 });
  mcp.answers.set("/.well-known/oauth-protected-resource", mcp.resource({ resource: mcp.origin }));
  const { open } = await vaultsOver(t, mcp);
  const vault = await open();
  await assert.rejects(signIn(vault, mcp));
  const resources = mcp.to("/token").map(({ body }) => new URLSearchParams(body).get("resource"));
  assert.deepEqual([...new Set(resources)], [mcp.origin]);
  assert.equal(vault.providerOf().resource, mcp.origin);
});

for (const member of ["token_endpoint", "registration_endpoint"]) {
  test(`a document whose ${member} is inside a network has nothing sent there`, async (t) => {
    const mcp = await testMcpServer(t);
    const inside = "https://10.255.255.1/x";
    mcp.answers.set("/.well-known/oauth-authorization-server", mcp.metadata({ [member]: inside }));
    const { open } = await vaultsOver(t, mcp);
    const vault = await open();
    await assert.rejects(signIn(vault, mcp), (error: { code: string; message: string }) => {
      assert.equal(error.code, "provider_unavailable");
      assert.match(error.message, /address_not_public/);
      return true;
    });
  });
}

test("an authorization server whose document has endpoints without https is not used, and nobody is registered there", async (t) => {
  const mcp = await testMcpServer(t);
  const { open, fixture } = await vaultsOver(t, mcp);
  for (const [member, value] of [
    ["token_endpoint", "http://id.example/token"],
    ["authorization_endpoint", undefined],
    ["authorization_endpoint", "/authorize"],
  ] as const) {
    mcp.answers.set("/.well-known/oauth-authorization-server", mcp.metadata({ [member]: value }));
    const vault = await open();
    await assert.rejects(signIn(vault, mcp), { code: "configuration_invalid" });
    await vault.close();
    fixture.clock.advance(20_000);
  }
  assert.equal(mcp.to("/register").length, 0);
});

test("the ID token of an MCP server's authorization server names its people, where the record says so", async (t) => {
  const mcp = await testMcpServer(t);
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const jwk = { ...(await exportJWK(publicKey)), kid: "k", alg: "ES256", use: "sig" };
  mcp.answers.set("/jwks", { body: { keys: [jwk] } });
  mcp.answers.set("/.well-known/oauth-authorization-server", mcp.metadata({ jwks_uri: `${mcp.origin}/jwks` }));
  const { open, fixture } = await vaultsOver(t, mcp, { identity: "id_token" });
  const vault = await open();
  let issuer = mcp.issuer;
  mcp.answers.set("/token", async ({ headers }) => {
    const [aud = ""] = atob(/^Basic (.+)$/.exec(headers.authorization ?? "")?.[1] ?? "").split(":");
    const now = fixture.clock.now() / 1000;
    const idToken = await new SignJWT({ iss: issuer, aud, sub: "ada-1", iat: now, exp: now + 600 })
      .setProtectedHeader({ alg: "ES256", kid: "k" })
      .sign(privateKey);
    return { body: { access_token: "at-1", refresh_token: "rt-1", token_type: "Bearer", id_token: idToken } };
  });
  const sent = { redirectUri, codeVerifier: verifier };
  assert.equal((await vault.exchangeCode({ ...sent, code: "c-1" })).subject, "ada-1");
  assert.equal((await vault.grants({ subject: "ada-1" })).grants.length, 1);
  issuer = "https://other.example";
  await assert.rejects(vault.exchangeCode({ ...sent, code: "c-2" }), { code: "id_token_invalid" });
});

test("a client is registered for the scopes that the record names and for refresh tokens, and otherwise for none in particular", async (t) => {
  const mcp = await testMcpServer(t);
  const scopeOf = async (options: Parameters<typeof vaultsOver>[2]): Promise<unknown> => {
    const { open } = await vaultsOver(t, mcp, options);
    await signIn(await open(), mcp);
    return (JSON.parse(mcp.to("/register").at(-1)?.body ?? "") as Record<string, unknown>)["scope"];
  };
  assert.equal(await scopeOf({}), undefined);
  assert.equal(await scopeOf({ scopes: ["tools"] }), "tools");
  const listing = mcp.metadata({ scopes_supported: ["tools", "offline_access"] });
  mcp.answers.set("/.well-known/oauth-authorization-server", listing);
  assert.equal(await scopeOf({ scopes: ["tools"] }), "tools offline_access");
});

test("a server that blames the client for a code that is none has it registered once in ten minutes", async (t) => {
  const mcp = await testMcpServer(t);
  const { open, fixture } = await vaultsOver(t, mcp);
  const vault = await open();
  mcp.answers.set("/token", { status: 401, body: { error: "invalid_client" } });
  const sent = { redirectUri, codeVerifier: verifier, externalId: "user-1" };
  for (let n = 0; n < 8; n += 1) {
    await assert.rejects(vault.exchangeCode({ ...sent, code: `none-${n}` }));
    fixture.clock.advance(70_000);
  }
  assert.equal(mcp.to("/token").length > 2, true);
  assert.equal(mcp.to("/register").length, 2);
});

test("a code for an MCP server is not sent without the verifier of its sign-in", async (t) => {
  const mcp = await testMcpServer(t);
  const { open } = await vaultsOver(t, mcp);
  const vault = await open();
  await assert.rejects(vault.exchangeCode({ code: "a-code", redirectUri, externalId: "user-1" }), {
    code: "invalid_request",
    details: { parameter: "code_verifier" },
  });
  assert.equal(mcp.asked.length, 0);
});
