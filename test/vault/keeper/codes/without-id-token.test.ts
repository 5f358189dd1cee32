import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { decodeProtectedHeader, jwtVerify } from "jose";
import { Secret, oauth2 } from "../../../../src/index.ts";
import type { OAuth2Options } from "../../../../src/index.ts";
import { fromJournal, journalText } from "../../../../src/oauth/token-set.ts";
import { sqlite } from "../../../../src/store/sqlite/index.ts";
import { bentProvider } from "../../../support/bent-provider.ts";
import type { Bend, BentProvider } from "../../../support/bent-provider.ts";
import { eventually } from "../../../support/eventually.ts";
import { fails } from "../../../support/fails.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const pem = privateKey.export({ type: "pkcs8", format: "pem" });

function record(url: string, more: Partial<OAuth2Options> = {}): ReturnType<typeof oauth2> {
  return oauth2({
    name: "plain",
    authorizationEndpoint: `${url}/authorize`,
    tokenEndpoint: `${url}/token`,
    clientId: "cid",
    identity: { userinfo: `${url}/userinfo`, subject: "id", name: "name" },
    ...more,
  });
}

function plain(t: TestContext, bend: Bend = {}, more: (url: string) => Partial<OAuth2Options> = () => ({})) {
  return bentProvider(t, bend, { record: (url) => record(url, more(url)) });
}

const identities = {
  userinfo: (url: string) => ({ userinfo: `${url}/userinfo`, subject: "id" }),
  "token answer": () => ({ tokenAnswer: "authed_user.id" }),
  none: () => "none" as const,
};
const clients = {
  none: {},
  client_secret_post: { clientSecret: "s3cret", clientAuthentication: "client_secret_post" },
  client_secret_basic: { clientSecret: "s3cret", clientAuthentication: "client_secret_basic" },
  private_key_jwt: { privateKey: pem },
} as const;

/** How the token endpoint was told who asks. */
async function authenticatedBy({ requests, url }: BentProvider): Promise<keyof typeof clients> {
  const { form, headers } = requests.find(({ path }) => path === "/token") ?? assert.fail("no request");
  if (headers.authorization !== undefined) {
    assert.equal(headers.authorization, `Basic ${btoa("cid:s3cret")}`);
    return "client_secret_basic";
  }
  assert.equal(form["client_id"], "cid");
  const assertion = form["client_assertion"];
  if (assertion === undefined) return form["client_secret"] === "s3cret" ? "client_secret_post" : "none";
  assert.equal(form["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
  const currentDate = new Date("2026-11-22T00:00:00Z");
  const { payload } = await jwtVerify(assertion, publicKey, {
    audience: url,
    issuer: "cid",
    subject: "cid",
    currentDate,
  });
  assert.equal(decodeProtectedHeader(assertion).alg, "ES256");
  assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 60);
  assert.equal(typeof payload.jti, "string");
  return "private_key_jwt";
}

describe("a provider without ID tokens: connect, use, refresh and revoke", () => {
  for (const [identityName, identityAt] of Object.entries(identities)) {
    for (const [method, client] of Object.entries(clients)) {
      for (const [hasEnd, hasRefresh, hasScope] of [
        [true, true, true],
        [false, true, true],
        [true, false, true],
        [true, true, false],
        [false, false, false],
      ] as const) {
        const has = `expires_in ${hasEnd}, refresh_token ${hasRefresh}, scope ${hasScope}`;
        test(`identity by ${identityName}, client by ${method}, ${has}`, async (t) => {
          const bend: Bend = {
            token(answer, { subject }) {
              if (!hasEnd) delete answer["expires_in"];
              if (!hasRefresh) delete answer["refresh_token"];
              if (!hasScope) delete answer["scope"];
              return { body: { ...answer, authed_user: { id: subject } } };
            },
          };
          const revocable = (url: string): object => ({ revocationEndpoint: `${url}/revoke` });
          const w = await plain(t, bend, (url) => ({
            identity: identityAt(url),
            issuer: url,
            ...client,
            ...revocable(url),
          }));
          const grant = await w.connect("ada/1", { externalId: "user-42", scopes: ["files"] });
          assert.equal(grant.subject, identityName === "none" ? "plain:user-42" : "ada");
          assert.equal(grant.offline, hasRefresh);
          assert.deepEqual(grant.scopes, hasScope ? ["openid", "files"] : ["files"]);
          assert.equal((await w.vault.getAccessToken({ externalId: "user-42" })).token, "at-1");
          assert.equal(await authenticatedBy(w), method);
          w.clock.advance(3_700_000);
          const later = w.vault.getAccessToken({ subject: grant.subject });
          if (hasRefresh) assert.equal((await later).token, "at-2");
          else if (hasEnd) await assert.rejects(later, fails("reauthorization_required"));
          else assert.equal((await later).token, "at-1");
          // The same person once more is the same grant.
          const again = await w.connect("ada/2", { externalId: "user-42" });
          assert.equal(again.grantId, grant.grantId);
          await w.vault.revoke(grant);
          assert.equal(w.count("/revoke"), 1);
        });
      }
    }
  }
});

describe("who has consented, where no ID token says it", () => {
  const ids = [
    ["583231", '"id":583231', "583231"],
    ["a number of 20 digits", '"id":98765432109876543210', "98765432109876543210"],
    ["a text", '"id":"U0 1ü"', "U0 1ü"],
    ["one further down", '"data":{"user":{"id":7}}', "7", "data.user.id"],
    ["a member whose name has a dot", '"user.id":"u1"', "u1", "user.id"],
  ] as const;
  for (const [name, members, subject, path = "id"] of ids) {
    test(`the person's id counts exactly as it stands: ${name}`, async (t) => {
      const w = await plain(t, { userinfo: () => ({ text: `{${members}}` }) }, (url) => ({
        identity: { userinfo: `${url}/userinfo`, subject: path },
      }));
      assert.equal((await w.connect()).subject, subject);
      const answered = await plain(
        t,
        { token: (answer) => ({ text: `${JSON.stringify(answer).slice(0, -1)},${members}}` }) },
        () => ({
          identity: { tokenAnswer: path },
        }),
      );
      assert.equal((await answered.connect()).subject, subject);
    });
  }

  const nobody = [
    '{"id":1.5}',
    '{"id":1e3}',
    '{"id":true}',
    '{"id":null}',
    '{"id":""}',
    '{"id":" "}',
    '{"id":{}}',
    '{"id":["a"]}',
  ];
  for (const text of [...nobody, "{}", '{"id":"a\\nb"}', `{"id":"${"x".repeat(256)}"}`]) {
    test(`a userinfo answer that names nobody ends the code, and revokes nothing: ${text.slice(0, 20)}`, async (t) => {
      const w = await plain(t, { userinfo: () => ({ text }) }, (url) => ({ revocationEndpoint: `${url}/revoke` }));
      await assert.rejects(w.connect(), fails("code_rejected", "no_subject", ["at-1", "rt-1"]));
      await assert.rejects(w.connect(), fails("code_rejected", "no_subject"));
      assert.deepEqual([w.count("/token"), w.count("/userinfo"), w.count("/revoke")], [1, 1, 0]);
      assert.deepEqual((await w.vault.grants()).grants, []);
    });
  }

  test("claims are read from where the record says, and nothing else is", async (t) => {
    const body = {
      id: 1,
      profile: { mail: "ada@example.com", verified: true, display: "Ada" },
      picture: "https://x.example",
    };
    const w = await plain(t, { userinfo: () => ({ body }) }, (url) => ({
      identity: {
        userinfo: `${url}/userinfo`,
        subject: "id",
        email: "profile.mail",
        email_verified: "profile.verified",
        name: "profile.display",
        headers: { "notes-version": "2026-01-01" },
      },
    }));
    const { profile } = await w.connect();
    assert.deepEqual(profile, { sub: "1", email: "ada@example.com", name: "Ada", email_verified: true });
    const { headers } = w.requests.find(({ path }) => path === "/userinfo") ?? assert.fail();
    assert.equal(headers["notes-version"], "2026-01-01");
    assert.equal(headers.authorization, "Bearer at-1");
  });

  test("a userinfo endpoint that wants POST gets the body of the record", async (t) => {
    const w = await plain(t, { userinfo: () => ({ body: { data: { viewer: { id: "v1" } } } }) }, (url) => ({
      identity: { userinfo: `${url}/userinfo`, body: { query: "{ viewer { id } }" }, subject: "data.viewer.id" },
    }));
    assert.equal((await w.connect()).subject, "v1");
    const { headers } = w.requests.find(({ path }) => path === "/userinfo") ?? assert.fail();
    assert.equal(headers["content-type"], "application/json");
  });

  const outages: Readonly<Record<string, Parameters<typeof send>[0]>> = {
    "an error of the server": { status: 503, body: {} },
    "too many requests": { status: 429, body: { message: "slow down" } },
    "GitHub's rate limit": { status: 403, headers: { "x-ratelimit-remaining": "0" }, body: { message: "rate limit" } },
    "a page of a proxy": { status: 200, text: "<html>sign in to the network</html>" },
    "a page that forbids": { status: 403, text: "<html>no</html>" },
    "a redirect": { status: 302, headers: { location: "http://127.0.0.1:1/" }, body: {} },
    "a word for later with 200": { status: 200, body: { ok: false, error: "temporarily_unavailable" } },
    "a connection that is cut": { status: 200, body: { id: "ada" }, cutAfter: 3 },
  };
  function send(answer: NonNullable<Awaited<ReturnType<NonNullable<Bend["userinfo"]>>>>): typeof answer {
    return answer;
  }
  for (const [name, answer] of Object.entries(outages)) {
    test(`a userinfo endpoint in trouble costs nobody a sign-in: ${name}`, async (t) => {
      const w = await plain(t, { userinfo: () => answer });
      await assert.rejects(w.connect("ada/1", { externalId: "u" }), fails("provider_unavailable"));
      await eventually(
        () => w.events.find(({ type }) => type === "sign_in_waits"),
        (event) => event !== undefined,
      );
      assert.deepEqual(w.events, [{ type: "sign_in_waits", provider: "plain", error: "userinfo_unavailable" }]);
      w.bend = {};
      const grant = await w.connect("ada/1", { externalId: "u" });
      assert.equal(grant.subject, "ada");
      assert.equal(w.count("/token"), 1);
    });
  }

  for (const answer of [
    { status: 401, body: { message: "Bad credentials" } },
    { status: 403, body: { error: "insufficient_scope" } },
    { status: 404, body: {} },
    { status: 200, body: { ok: false, error: "missing_scope" } },
    { status: 401, text: "<html>no</html>" },
  ]) {
    test(`a userinfo endpoint that refuses for good ends the code: ${JSON.stringify(answer)}`, async (t) => {
      const w = await plain(t, { userinfo: () => answer });
      await assert.rejects(w.connect(), fails("code_rejected"));
      assert.deepEqual(
        w.events.map(({ type }) => type),
        ["code_rejected"],
      );
    });
  }

  test("a sign-in whose userinfo endpoint was away is finished by the next vault, with the tokens from the journal", async (t) => {
    const path = `${await temporaryFolder(t)}/grants.db`;
    const w = await bentProvider(t, { userinfo: () => ({ status: 500 }) }, { record, vault: { store: sqlite(path) } });
    await assert.rejects(w.connect("ada/1", { externalId: "u" }), fails("provider_unavailable"));
    await w.vault.close();
    w.bend = {};
    const next = await w.open({ store: sqlite(path) });
    await eventually(() => w.events.some(({ type }) => type === "sign_in_finished"), Boolean);
    assert.equal((await next.getAccessToken({ externalId: "u" })).token, "at-1");
    assert.equal(w.count("/token"), 1);
  });

  test("who is in the token answer is known after a crash, too: the id is in the journal", () => {
    const text = journalText({ tokens: { accessToken: new Secret("at"), subject: "U1" }, receivedAt: 1 });
    assert.equal(fromJournal(text.expose())?.tokens.subject, "U1");
  });

  test("an ID token that nobody asked for is ignored: another person's does not count", async (t) => {
    const w = await plain(t, {
      token: (answer) => ({ body: { ...answer, id_token: "e30.eyJzdWIiOiJtYWxsb3J5In0." } }),
    });
    const grant = await w.connect("ada/1");
    assert.equal(grant.subject, "ada");
    w.clock.advance(3_700_000);
    assert.equal((await w.vault.getAccessToken(grant)).token, "at-2");
  });

  test("a code without external_id is refused before it is used where nothing else names the person", async (t) => {
    const w = await plain(t, {}, () => ({ identity: "none" }));
    await assert.rejects(w.connect(), fails("invalid_request", "external_id"));
    assert.equal(w.requests.length, 0);
    const one = await w.connect("c/1", { externalId: "user-1" });
    const two = await w.connect("c/2", { externalId: "user-2" });
    assert.notEqual(one.grantId, two.grantId);
  });

  test("two records of one server do not share a grant of one external id", async (t) => {
    const w = await plain(t, {}, () => ({ identity: "none" }));
    const [work, home] = [
      { ...w.provider, name: "work" },
      { ...w.provider, name: "home" },
    ];
    const vault = await w.open({ provider: undefined, providers: [work, home] } as never);
    const grants = await Promise.all(
      ["work", "home"].map((provider) =>
        vault.exchangeCode({ code: `c/${provider}`, provider, externalId: "u", redirectUri: "https://app.example/cb" }),
      ),
    );
    assert.equal(new Set(grants.map(({ grantId }) => grantId)).size, 2);
  });

  test("a waiting sign-in is finished by its own provider, although another one gave us the same client id", async (t) => {
    const path = `${await temporaryFolder(t)}/grants.db`;
    const w = await bentProvider(t, { userinfo: () => ({ status: 500 }) }, { record, vault: { store: sqlite(path) } });
    await assert.rejects(w.connect("ada/1", { externalId: "u" }), fails("provider_unavailable"));
    await w.vault.close();
    w.bend = {};
    const other = { ...record(w.url), name: "other", issuer: "https://other.example", identity: "none" as const };
    await w.open({ store: sqlite(path), provider: other, providers: [w.provider] });
    await eventually(
      () => w.events.find(({ type }) => type === "grant_stored"),
      (event) => event !== undefined,
    );
    assert.ok(w.events.some((event) => event.type === "grant_stored" && event.provider === "plain"));
  });

  test("resource goes with each exchange and refresh", async (t) => {
    const w = await plain(t, {}, () => ({ resource: ["https://api.example/a", "https://api.example/b"] }));
    const grant = await w.connect("ada/1");
    w.clock.advance(3_700_000);
    await w.vault.getAccessToken(grant);
    const sent = w.requests.filter(({ path }) => path === "/token").map(({ body }) => new URLSearchParams(body));
    assert.deepEqual(
      sent.map((form) => [form.get("grant_type")].concat(form.getAll("resource"))),
      ["authorization_code", "refresh_token"].map((kind) => [kind, "https://api.example/a", "https://api.example/b"]),
    );
  });
});
