import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { TestContext } from "node:test";
import { inspect } from "node:util";
import { oidc } from "../../../src/index.ts";
import type { AuthCodeHandlerOptions, OnbehalfError, Vault } from "../../../src/index.ts";
import { Secret } from "../../../src/core/secret.ts";
import { fails } from "../../support/fails.ts";
import { assertProblem, publicErrors } from "../../support/problem.ts";
import { sharedStandin, testVault, usualScope } from "../../support/test-vault.ts";
import type { SharedStandin, TestVault } from "../../support/test-vault.ts";

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

interface App {
  readonly fixture: TestVault;
  readonly vault: Vault;
  /** What a phone sends; with the session of this user, where one is named. */
  post(fields: Record<string, string>, user?: string, headers?: Record<string, string>): Promise<Response>;
}

async function appWith(t: TestContext, options: AuthCodeHandlerOptions = {}): Promise<App> {
  const fixture = await testVault(t, { shared });
  const vault = await fixture.open();
  const handle = vault.authCodeHandler({ publicUrl: "https://app.example.com", ...options });
  return {
    fixture,
    vault,
    post: (fields, user, headers = {}) =>
      handle(
        new Request("https://app.example.com/authcode", {
          method: "POST",
          headers: { "x-requested-with": "x", ...(user === undefined ? {} : { cookie: `user=${user}` }), ...headers },
          body: new URLSearchParams(fields),
        }),
      ),
  };
}

const userOf = ({ headers }: Request): string | undefined => /user=([^;]*)/.exec(headers.get("cookie") ?? "")?.[1];

async function assertRefused({ fixture, vault }: App, code: string, response: Response, reason: string): Promise<void> {
  const body = await assertProblem(response, "ticket_invalid", "", publicErrors);
  assert.equal(body["reason"], reason);
  assert.deepEqual(fixture.newRequests(), []);
  assert.equal((await vault.exchangeCode({ code })).state, "active");
}

describe("a ticket at the handler of an app's own server", () => {
  test("without a session of the app, the grant is tied to the ticket's user, and onGrant learns it", async (t) => {
    const told: (string | undefined)[] = [];
    const app = await appWith(t, { onGrant: ({ externalId }) => void told.push(externalId) });
    const { ticket } = await app.vault.createTicket({ externalId: "user-1" });
    const response = await app.post({ authCode: app.fixture.code("tied@example.com"), ticket });
    assert.equal(response.status, 200, await response.text());
    assert.deepEqual(told, ["user-1"]);
    assert.equal((await app.vault.grant({ externalId: "user-1" })).profile.email, "tied@example.com");
  });

  test("where the app's user was changed since the ticket was made, it is refused before the code is used", async (t) => {
    const app = await appWith(t, { externalId: userOf });
    const { ticket } = await app.vault.createTicket({ externalId: "user-1" });
    const authCode = app.fixture.code("changed@example.com");
    app.fixture.newRequests();
    await assertRefused(app, authCode, await app.post({ authCode, ticket }, "user-2"), "external_id");
    const both = app.fixture.code("changed@example.com");
    app.fixture.newRequests();
    const named = await app.post({ authCode: both, ticket, external_id: "user-1" }, "user-2");
    await assertRefused(app, both, named, "external_id");
    const mixed = app.fixture.code("changed@example.com");
    app.fixture.newRequests();
    const other = await app.post({ authCode: mixed, ticket, external_id: "user-2" }, "user-1");
    await assertRefused(app, mixed, other, "external_id");
    const gone = app.fixture.code("changed@example.com");
    app.fixture.newRequests();
    const nobody = await app.post({ authCode: gone, ticket }, "");
    await assertProblem(nobody, "unauthorized", "", publicErrors);
    assert.deepEqual(app.fixture.newRequests(), []);
    assert.equal((await app.post({ authCode: gone, ticket }, "user-1")).status, 200);
    assert.deepEqual((await app.vault.grants({ externalId: "user-2" })).grants, []);
  });

  test("where the app lets requests without a session pass, the ticket says whose the grant becomes", async (t) => {
    const app = await appWith(t, { externalId: userOf, requireExternalId: false });
    const { ticket } = await app.vault.createTicket({ externalId: "user-1" });
    assert.equal((await app.post({ authCode: app.fixture.code("first@example.com"), ticket }, "")).status, 200);
    assert.equal((await app.vault.grant({ externalId: "user-1" })).profile.email, "first@example.com");
  });

  test("who has read code and ticket gets no second assertion, and the app is not told again", async (t) => {
    let told = 0;
    const app = await appWith(t, { onGrant: () => void (told += 1) });
    const { ticket } = await app.vault.createTicket({ externalId: "user-1" });
    const authCode = app.fixture.code("read@example.com");
    const first = (await (await app.post({ authCode, ticket })).json()) as Record<string, string>;
    const second = (await (await app.post({ authCode, ticket, external_id: "user-1" })).json()) as Record<
      string,
      string
    >;
    assert.match(first["sign_in_assertion"] ?? "", /^ey/);
    assert.equal(second["grant_id"], first["grant_id"]);
    assert.equal(second["sign_in_assertion"], undefined);
    assert.equal(told, 1, "an external_id in the request is no session");
  });

  test("with several providers the ticket says which, whatever the handler's own is", async (t) => {
    const fixture = await testVault(t, { shared });
    const { standin, provider } = fixture;
    const second = { ...provider, name: "second" };
    const vault = await fixture.open({ providers: [provider, second] });
    const handle = vault.authCodeHandler({ provider: "second" });
    const post = (fields: Record<string, string>): Promise<Response> =>
      handle(
        new Request("http://localhost/authcode", {
          method: "POST",
          headers: { "x-requested-with": "x" },
          body: new URLSearchParams(fields),
        }),
      );
    await assert.rejects(vault.createTicket({ externalId: "user-1" }), fails("invalid_request"));
    const { ticket } = await vault.createTicket({ externalId: "user-1", provider: "google" });
    const code = (): string => standin.code({ email: "several@example.com", scope: usualScope });
    const wrong = await post({ authCode: code(), ticket, provider: "second" });
    assert.equal(((await wrong.json()) as Record<string, string>)["reason"], "provider");
    assert.equal((await post({ authCode: code(), ticket })).status, 200);
    assert.equal((await vault.grant({ externalId: "user-1" })).provider, "google");
  });
});

describe("vault.createTicket", () => {
  test("a ticket is shown by nothing but its getter", async (t) => {
    const { vault } = await appWith(t);
    const made = await vault.createTicket({ externalId: "user-1" });
    const { ticket } = made;
    assert.match(ticket, /^obt_/);
    for (const shown of [JSON.stringify(made), inspect(made, { depth: 5, showHidden: true })]) {
      assert.ok(!shown.includes(ticket.slice(4, 20)), shown);
    }
  });

  test("a Secret is taken as a ticket, and what is neither is refused", async (t) => {
    const { vault, fixture } = await appWith(t);
    const { ticket } = await vault.createTicket({ externalId: "user-1" });
    const wrong = vault.exchangeCode({ code: fixture.code("secret@example.com"), ticket: 7 as unknown as string });
    await assert.rejects(wrong, fails("invalid_request"));
    const grant = await vault.exchangeCode({ code: fixture.code("secret@example.com"), ticket: new Secret(ticket) });
    assert.equal(grant.externalId, "user-1");
  });

  test("what the ticket asked for and the person did not grant is missing in the grant, and nothing else", async (t) => {
    const { vault, fixture } = await appWith(t);
    const { ticket } = await vault.createTicket({
      externalId: "user-1",
      scopes: ["openid", "email", "https://s.example/x"],
    });
    const grant = await vault.exchangeCode({
      code: fixture.code("missing@example.com", "openid email"),
      ticket,
      scopes: ["https://s.example/not-asked"],
    });
    assert.deepEqual(grant.missingScopes, ["https://s.example/x"]);
  });

  test("options that are not what they must be are refused by name, and a nonce that no ID token can carry", async (t) => {
    const { vault, fixture } = await appWith(t);
    for (const [options, parameter] of [
      [{}, "externalId"],
      [{ externalId: 7 }, "externalId"],
      [{ externalId: "" }, "external_id"],
      [{ externalId: "u", nonce_required: true }, "nonce_required"],
      [{ externalId: "u", scopes: "openid" }, "scopes"],
      [{ externalId: "u", provider: "nobody" }, "provider"],
    ] as const) {
      await assert.rejects(
        vault.createTicket(options as never),
        (error: OnbehalfError<"invalid_request">) => error.details.parameter === parameter,
        JSON.stringify(options),
      );
    }
    const { provider } = fixture;
    const other = await fixture.open({ providers: [{ ...provider, identity: "none" }] });
    await assert.rejects(other.createTicket({ externalId: "u", nonceRequired: true }), fails("invalid_request"));
    const { ticket } = await other.createTicket({ externalId: "u" });
    assert.equal((await other.exchangeCode({ code: fixture.code("none@example.com"), ticket })).externalId, "u");
  });

  test("a ticket is for the client that it was made with, and for the store", async (t) => {
    const { vault, fixture } = await appWith(t);
    const { ticket } = await vault.createTicket({ externalId: "user-1" });
    const { provider } = fixture;
    const renamed = await fixture.open({ providers: [{ ...provider, name: "another" }] });
    const reason = (wanted: string) => (error: OnbehalfError<"ticket_invalid">) => error.details.reason === wanted;
    await assert.rejects(renamed.exchangeCode({ code: "4/0A", ticket }), reason("provider"));
    const client = oidc({ name: "google", issuer: provider.issuer, clientId: "another", clientSecret: "x" });
    const changed = await fixture.open({ providers: [{ ...provider, client: client.client }] });
    await assert.rejects(changed.exchangeCode({ code: "4/0A", ticket }), reason("provider"));
    assert.deepEqual(fixture.newRequests(), []);
  });

  test("whoever writes the database makes no ticket of another one, nor one for another user", async (t) => {
    const { vault, fixture } = await appWith(t);
    const mine = await vault.createTicket({ externalId: "mallory" });
    const theirs = await vault.createTicket({ externalId: "ada" });
    const { DatabaseSync } = await import("node:sqlite");
    const raw = new DatabaseSync(fixture.path);
    const rows = raw.prepare("SELECT ticket_hash, context_sealed FROM tickets ORDER BY issued_at").all();
    const [one, other] = rows.map((row) => row["context_sealed"] as Uint8Array);
    for (const row of rows) {
      const swapped = Buffer.compare(row["context_sealed"] as Uint8Array, one ?? Buffer.of()) === 0 ? other : one;
      raw
        .prepare("UPDATE tickets SET context_sealed = ? WHERE ticket_hash = ?")
        .run(swapped ?? Buffer.of(), row["ticket_hash"] as Uint8Array);
    }
    raw.close();
    const reason = (error: OnbehalfError<"ticket_invalid">): boolean => error.details.reason === "unknown";
    for (const { ticket } of [mine, theirs]) await assert.rejects(vault.exchangeCode({ code: "4/0A", ticket }), reason);
    assert.deepEqual(fixture.newRequests(), []);
  });
});
