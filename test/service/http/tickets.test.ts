import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { TestContext } from "node:test";
import type { CreateCallerOptions, OnbehalfError, Vault } from "../../../src/index.ts";
import { service } from "../../../src/service/index.ts";
import { assertProblem } from "../../support/problem.ts";
import { outcomes, sharedStandin, testVault, usualScope } from "../../support/test-vault.ts";
import type { SharedStandin, TestVault } from "../../support/test-vault.ts";

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

type Fields = Readonly<Record<string, string>>;

interface Made {
  readonly ticket: string;
  readonly nonce: string;
  readonly expires_at: string;
}

interface Here {
  readonly fixture: TestVault;
  readonly vault: Vault;
  /** Makes a ticket with the caller's key. */
  make(body: object, key?: string): Promise<Response>;
  /** The ticket of one that is made. */
  ticket(body?: object, key?: string): Promise<Made>;
  /** Sends what a phone sends. */
  post(fields: Fields): Promise<Response>;
  key(options?: Partial<CreateCallerOptions>): Promise<string>;
}

let callers = 0;

async function here(t: TestContext): Promise<Here> {
  const fixture = await testVault(t, { shared });
  return over(fixture, await fixture.open());
}

async function over(fixture: TestVault, vault: Vault): Promise<Here> {
  const handle = service(vault, { publicUrl: "https://vault.example" });
  const key = async (options: Partial<CreateCallerOptions> = {}): Promise<string> =>
    (await vault.callers.create(`app-${(callers += 1)}`, { allow: ["connect"], ...options })).key.expose();
  const usual = await key();
  const make = (body: object, as = usual): Promise<Response> =>
    handle(
      new Request("https://vault.example/v1/tickets", {
        method: "POST",
        headers: { authorization: `Bearer ${as}`, "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
    );
  return {
    fixture,
    vault,
    key,
    make,
    async ticket(body = { external_id: "user-1" }, as = usual) {
      const response = await make(body, as);
      assert.equal(response.status, 201, await response.clone().text());
      return (await response.json()) as Made;
    },
    post: (fields) =>
      handle(
        new Request("https://vault.example/authcode", {
          method: "POST",
          headers: { "x-requested-with": "XMLHttpRequest" },
          body: new URLSearchParams(fields),
        }),
      ),
  };
}

async function signedIn(response: Response): Promise<Record<string, unknown>> {
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return JSON.parse(text) as Record<string, unknown>;
}

/** That nothing was sent to the provider, and the code still becomes a grant. */
async function assertUnused({ fixture, vault }: Here, code: string): Promise<void> {
  assert.deepEqual(fixture.newRequests(), []);
  assert.equal((await vault.exchangeCode({ code })).state, "active");
}

async function assertRefused(at: Here, code: string, response: Response, reason: string): Promise<void> {
  const body = await assertProblem(response, "ticket_invalid");
  assert.equal(body["reason"], reason);
  await assertUnused(at, code);
}

describe("POST /v1/tickets", () => {
  test("a ticket is 201 with a nonce and five minutes, is never to be cached, and is kept as a hash", async (t) => {
    const at = await here(t);
    const response = await at.make({ external_id: "user-1" });
    assert.equal(response.status, 201);
    assert.equal(response.headers.get("cache-control"), "no-store");
    const made = (await response.json()) as Made;
    assert.deepEqual(Object.keys(made), ["ticket", "nonce", "expires_at"]);
    assert.match(made.ticket, /^obt_[0-9a-f]{64}_[0-9a-f]{8}$/);
    assert.match(made.nonce, /^[\w-]{43}$/);
    assert.equal(Date.parse(made.expires_at), at.fixture.clock.now() + 300_000);
    const stored = JSON.stringify(await at.fixture.open().then((vault) => vault.audit.list({})));
    assert.ok(stored.includes("ticket.created") && !stored.includes("user-1"));
  });

  test("a ticket needs the permission connect, a user id, and a user and a provider in the caller's reach", async (t) => {
    const at = await here(t);
    const without = await at.key({ allow: ["grants:create", "token", "grants:read"] });
    const body = await assertProblem(await at.make({ external_id: "user-1" }, without), "forbidden");
    assert.equal(body["permission"], "connect");
    const narrow = await at.key({ grants: ["ext:team-a:*"], providers: ["google"] });
    await at.ticket({ external_id: "team-a:1" }, narrow);
    await assertProblem(await at.make({ external_id: "team-b:1" }, narrow), "forbidden");
    const other = await at.key({ providers: ["github"] });
    await assertProblem(await at.make({ external_id: "user-1", provider: "google" }, other), "invalid_request");
    for (const wrong of [
      {},
      { external_id: "" },
      { external_id: "x".repeat(513) },
      { external_id: "a\nb" },
      { external_id: 1 },
      { external_id: "user-1", account: "" },
      { external_id: "user-1", account: "a\nb" },
      { external_id: "user-1", provider: "nobody" },
      { external_id: "user-1", nonce_required: "maybe" },
      { external_id: "user-1", scopes: [1] },
      { external_id: "user-1", scopes: Array.from({ length: 257 }, (_, n) => `s${n}`) },
    ]) {
      await assertProblem(await at.make(wrong), "invalid_request");
    }
  });
});

describe("a code that comes with a ticket", () => {
  test("the grant is tied to the ticket's user, and missing_scopes are those of the ticket", async (t) => {
    const at = await here(t);
    const { ticket } = await at.ticket({
      external_id: "user-1",
      scopes: [...usualScope.split(" "), "https://s.example/x"],
    });
    const authCode = at.fixture.code("tied@example.com");
    const body = await signedIn(await at.post({ authCode, ticket, scope: "openid" }));
    assert.deepEqual(body["missing_scopes"], ["https://s.example/x"]);
    assert.match(String(body["sign_in_assertion"]), /^ey/);
    const grant = await at.vault.grant({ externalId: "user-1" });
    assert.equal(grant.grantId, body["grant_id"]);
    assert.equal(grant.profile.email, "tied@example.com");
  });

  test("what names the ticket's own user, provider and nonce passes, and an empty ticket is none", async (t) => {
    const at = await here(t);
    const { ticket, nonce } = await at.ticket();
    const authCode = at.fixture.standin.code({ email: "named@example.com", scope: usualScope, nonce });
    const fields = { authCode, ticket, nonce, provider: "google", external_id: "user-1" };
    await signedIn(await at.post(fields));
    const code = at.fixture.code("empty@example.com");
    at.fixture.newRequests();
    await assertRefused(at, code, await at.post({ authCode: code, ticket: "" }), "malformed");
  });

  test("a ticket's account is the label that the user knows the account by, and no request says another", async (t) => {
    const at = await here(t);
    for (const account of ["work", "home"]) {
      const { ticket } = await at.ticket({ external_id: "user-1", account });
      const authCode = at.fixture.code(`${account}@example.com`);
      at.fixture.newRequests();
      await assertProblem(await at.post({ authCode, ticket, account: "mine" }), "forbidden");
      assert.deepEqual(at.fixture.newRequests(), []);
      await signedIn(await at.post({ authCode, ticket }));
    }
    const { ticket } = await at.ticket({ external_id: "user-1", account: "work" });
    const code = at.fixture.code("home@example.com");
    at.fixture.newRequests();
    const other = at.vault.exchangeCode({ code, ticket, account: "home" });
    await assert.rejects(other, (error: OnbehalfError<"ticket_invalid">) => error.details.reason === "account");
    await assertUnused(at, code);
    for (const account of ["work", "home"]) {
      const grant = await at.vault.grant({ externalId: "user-1", account });
      assert.equal(grant.profile.email, `${account}@example.com`);
    }
  });

  const foreign: Readonly<Record<string, { readonly fields: Fields; readonly reason: string }>> = {
    "another user's id": { fields: { external_id: "user-2" }, reason: "external_id" },
    "an empty user id": { fields: { external_id: "" }, reason: "external_id" },
    "the user's id with a space": { fields: { external_id: "user-1 " }, reason: "external_id" },
    "another nonce": { fields: { nonce: "mine" }, reason: "nonce" },
    "another provider": { fields: { provider: "github" }, reason: "provider" },
  };
  for (const [what, { fields, reason }] of Object.entries(foreign)) {
    test(`a ticket beside ${what} is refused before the code is used, and may be used after`, async (t) => {
      const at = await here(t);
      const { ticket } = await at.ticket();
      const authCode = at.fixture.code("foreign@example.com");
      at.fixture.newRequests();
      await assertRefused(at, authCode, await at.post({ authCode, ticket, ...fields }), reason);
      await signedIn(await at.post({ authCode: at.fixture.code("foreign@example.com"), ticket }));
    });
  }

  test("an external_id is refused without a ticket, and moving one with it too, before the code is used", async (t) => {
    const at = await here(t);
    const { ticket } = await at.ticket();
    const authCode = at.fixture.code("forbidden@example.com");
    at.fixture.newRequests();
    await assertProblem(await at.post({ authCode, external_id: "user-1" }), "forbidden");
    await assertProblem(await at.post({ authCode, ticket, move_external_id: "true" }), "forbidden");
    await assertUnused(at, authCode);
  });

  test("a ticket that is a damaged copy, made up, or another vault's is refused before the code is used", async (t) => {
    const at = await here(t);
    const { ticket } = await at.ticket();
    const elsewhere = await here(t);
    const theirs = (await elsewhere.ticket()).ticket;
    const made = await at.vault.createTicket({ externalId: "user-1" });
    const obk = await at.key();
    for (const [given, reason] of [
      [ticket.slice(0, -1), "malformed"],
      [`${ticket}0`, "malformed"],
      [ticket.toUpperCase(), "malformed"],
      [` ${ticket}`, "malformed"],
      [ticket.replace(/^obt_./, (start) => `obt_${start.endsWith("0") ? "1" : "0"}`), "malformed"],
      [obk, "malformed"],
      [made.nonce, "malformed"],
      [theirs, "unknown"],
    ] as const) {
      const authCode = at.fixture.code("damaged@example.com");
      at.fixture.newRequests();
      await assertRefused(at, authCode, await at.post({ authCode, ticket: given }), reason);
    }
  });

  test("a ticket is refused after five minutes, and heard of as expired until it is swept", async (t) => {
    const at = await here(t);
    const { ticket } = await at.ticket();
    at.fixture.clock.advance(300_000);
    const authCode = at.fixture.code("late@example.com");
    at.fixture.newRequests();
    await assertRefused(at, authCode, await at.post({ authCode, ticket }), "expired");
  });

  test("a ticket is refused with a second code, which is not used, and keeps what the first one has become", async (t) => {
    const at = await here(t);
    const { ticket } = await at.ticket();
    const first = await signedIn(await at.post({ authCode: at.fixture.code("ada@example.com"), ticket }));
    const stolen = at.fixture.code("mallory@example.com");
    at.fixture.newRequests();
    await assertRefused(at, stolen, await at.post({ authCode: stolen, ticket }), "used");
    assert.equal((await at.vault.grant({ externalId: "user-1" })).grantId, first["grant_id"]);
  });

  test("the same request again within a minute has the same result, also where the ticket has expired meanwhile", async (t) => {
    const at = await here(t);
    const { ticket } = await at.ticket();
    const authCode = at.fixture.code("again@example.com");
    at.fixture.clock.advance(299_000);
    const first = await signedIn(await at.post({ authCode, ticket }));
    at.fixture.clock.advance(50_000);
    const second = await signedIn(await at.post({ authCode, ticket }));
    assert.equal(second["grant_id"], first["grant_id"]);
    assert.equal(second["sign_in_assertion"], undefined, "a ticket is no proof of who sent the code");
    at.fixture.clock.advance(20_000);
    await assertProblem(await at.post({ authCode, ticket }), "ticket_invalid");
  });

  test("a code that came without its ticket first is not tied afterwards", async (t) => {
    const at = await here(t);
    const { ticket } = await at.ticket();
    const authCode = at.fixture.code("without@example.com");
    await signedIn(await at.post({ authCode }));
    await assertProblem(await at.post({ authCode, ticket }), "code_rejected");
    assert.deepEqual((await at.vault.grants({ externalId: "user-1" })).grants, []);
  });

  test("a ticket ends with its caller's key, its permission and its reach", async (t) => {
    const at = await here(t);
    const ended: Readonly<Record<string, () => Promise<string>>> = {
      revoked: async () => {
        const { caller, key } = await at.vault.callers.create("ends-1", { allow: ["connect"] });
        const { ticket } = await at.ticket({ external_id: "user-1" }, key.expose());
        await at.vault.callers.revoke(caller.name);
        return ticket;
      },
      expired: async () => {
        const expiresAt = new Date(at.fixture.clock.now() + 60_000);
        const { ticket } = await at.ticket({ external_id: "user-1" }, await at.key({ expiresAt }));
        at.fixture.clock.advance(60_000);
        return ticket;
      },
    };
    for (const [how, make] of Object.entries(ended)) {
      const ticket = await make();
      const authCode = at.fixture.code("ended@example.com");
      at.fixture.newRequests();
      await assertRefused(at, authCode, await at.post({ authCode, ticket }), "caller");
      assert.deepEqual((await at.vault.grants({ externalId: "user-1" })).grants, [], how);
    }
    const { caller, key } = await at.vault.callers.create("rotates", { allow: ["connect"] });
    const { ticket } = await at.ticket({ external_id: "user-1" }, key.expose());
    await at.vault.callers.rotate(caller.name, { overlapMs: 0 });
    await signedIn(await at.post({ authCode: at.fixture.code("rotates@example.com"), ticket }));
  });

  test("POST /v1/grants refuses a ticket, and does not pass over it", async (t) => {
    const at = await here(t);
    const { ticket } = await at.ticket();
    const authCode = at.fixture.code("backend@example.com");
    at.fixture.newRequests();
    const key = await at.key({ allow: ["grants:create"] });
    const handle = service(at.vault);
    const response = await handle(
      new Request("https://vault.example/v1/grants", {
        method: "POST",
        headers: { authorization: `Bearer ${key}` },
        body: new URLSearchParams({ code: authCode, ticket }),
      }),
    );
    await assertProblem(response, "invalid_request");
    await assertUnused(at, authCode);
  });
});

describe("a ticket's nonce", () => {
  for (const [how, required, inToken, named, wanted] of [
    ["none in the ID token passes", false, undefined, undefined, "grant"],
    ["the ticket's in the ID token passes", false, "own", undefined, "grant"],
    ["another one in the ID token is refused", false, "another", undefined, "refused"],
    ["none in the ID token is refused where it is required", true, undefined, undefined, "refused"],
    ["the ticket's passes where it is required", true, "own", undefined, "grant"],
    ["another one is refused where it is required", true, "another", undefined, "refused"],
    ["none in the ID token is refused where the phone names the nonce", false, undefined, "own", "refused"],
    ["the ticket's passes where the phone names it", false, "own", "own", "grant"],
  ] as const) {
    for (const source of ["android", "ios"] as const) {
      test(`a ticket's nonce: ${how} (${source})`, async (t) => {
        const at = await here(t);
        const { ticket, nonce } = await at.ticket({ external_id: "user-1", nonce_required: required });
        const inIdToken = inToken === "own" ? nonce : inToken;
        const authCode = at.fixture.standin.code({
          email: "nonce@example.com",
          scope: usualScope,
          ...(inIdToken === undefined ? {} : { nonce: inIdToken }),
        });
        const response = await at.post({ authCode, ticket, source, ...(named === undefined ? {} : { nonce }) });
        if (wanted === "grant") {
          await signedIn(response);
          return;
        }
        const body = await assertProblem(response, "id_token_invalid");
        assert.equal(body["check"], "nonce");
        assert.deepEqual((await at.vault.grants({ externalId: "user-1" })).grants, []);
      });
    }
  }
});

describe("a ticket whose code brings no grant", () => {
  test("a code that the provider rejects makes room for one other, and for no third", async (t) => {
    const at = await here(t);
    const { ticket } = await at.ticket();
    await assertProblem(await at.post({ authCode: "4/0Anever-issued", ticket }), "code_rejected");
    const second = at.fixture.code("second@example.com");
    const { grant_id: grantId } = await signedIn(await at.post({ authCode: second, ticket }));
    const third = at.fixture.code("third@example.com");
    at.fixture.newRequests();
    await assertRefused(at, third, await at.post({ authCode: third, ticket }), "used");
    assert.equal((await at.vault.grant({ externalId: "user-1" })).grantId, grantId);
  });

  test("while the provider is away the same code may come again with its ticket, and another may not", async (t) => {
    const at = await here(t);
    const { ticket } = await at.ticket();
    const authCode = at.fixture.code("away@example.com");
    at.fixture.standin.fault("POST", "/token", { status: 503, times: 1 });
    await assertProblem(await at.post({ authCode, ticket }), "provider_unavailable");
    const another = at.fixture.code("another@example.com");
    at.fixture.newRequests();
    await assertProblem(await at.post({ authCode: another, ticket }), "ticket_invalid");
    assert.deepEqual(at.fixture.newRequests(), []);
    at.fixture.clock.advance(60_000);
    await signedIn(await at.post({ authCode, ticket }));
    assert.equal((await at.vault.grant({ externalId: "user-1" })).profile.email, "away@example.com");
  });

  test("what is malformed beside a ticket does not use it up", async (t) => {
    const at = await here(t);
    const { ticket } = await at.ticket();
    const authCode = at.fixture.code("malformed@example.com");
    await assertProblem(await at.post({ authCode, ticket, source: "somewhere" }), "invalid_request");
    await assertProblem(await at.post({ authCode: "not a code", ticket }), "invalid_request");
    await assertProblem(await at.post({ authCode, ticket, code_verifier: "short" }), "invalid_request");
    await signedIn(await at.post({ authCode, ticket }));
  });
});

describe("many at once with one ticket", () => {
  test("a thousand posts of one ticket and code in two processes give one exchange and one grant", async (t) => {
    const fixture = await testVault(t, { shared });
    const one = await over(fixture, await fixture.open());
    const other = await over(fixture, await fixture.open());
    const { ticket } = await one.ticket();
    const authCode = fixture.code("thousand@example.com");
    fixture.newRequests();
    const responses = await Promise.all(
      Array.from({ length: 1_000 }, (_, n) => (n % 2 === 0 ? one : other).post({ authCode, ticket })),
    );
    const bodies = await Promise.all(
      responses.map(async (response) => [response.status, (await response.json()) as Record<string, unknown>] as const),
    );
    const served = bodies.filter(([status]) => status === 200).map(([, body]) => body);
    const ids = new Set(served.map((body) => body["grant_id"]));
    assert.equal(ids.size, 1);
    assert.ok(served.length >= 200, `${served.length} served`);
    assert.equal(served.filter((body) => body["sign_in_assertion"] !== undefined).length, 1);
    for (const [status, body] of bodies) if (status !== 200) assert.equal(body["error"], "provider_unavailable");
    assert.deepEqual(outcomes(fixture.newRequests()), { exchanged: 1 });
    assert.equal((await one.vault.grants({ externalId: "user-1" })).grants.length, 1);
  });

  test("of forty codes with one ticket, one is sent, and the others are not used", async (t) => {
    const fixture = await testVault(t, { shared });
    const one = await over(fixture, await fixture.open());
    const other = await over(fixture, await fixture.open());
    const { ticket } = await one.ticket();
    const codes = Array.from({ length: 40 }, (_, n) => fixture.code(`forty-${n}@example.com`));
    fixture.newRequests();
    const responses = await Promise.all(
      codes.map((authCode, n) => (n % 2 === 0 ? one : other).post({ authCode, ticket })),
    );
    const statuses = responses.map(({ status }) => status);
    assert.deepEqual(
      statuses.filter((status) => status !== 403),
      [200],
    );
    assert.deepEqual(outcomes(fixture.newRequests()), { exchanged: 1 });
    const second = codes.find((_, n) => statuses[n] === 403) ?? "";
    assert.equal((await one.vault.exchangeCode({ code: second })).state, "active");
  });
});
