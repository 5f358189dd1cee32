import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { github, microsoft, slack } from "../../src/index.ts";
import { loadClient } from "../../src/vault/open/registered-client.ts";
import { bentProvider } from "../support/bent-provider.ts";
import type { Bend, BentAnswer } from "../support/bent-provider.ts";
import { fails } from "../support/fails.ts";

const client = { clientId: "cid", clientSecret: "s3cret" };
const form = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };

/** A record whose addresses are those of the bent provider. */
function at<T extends object>(record: T, url: string): T {
  const endpoints = { authorizationEndpoint: `${url}/authorize`, tokenEndpoint: `${url}/token` };
  return { ...record, endpoints: { ...endpoints, revocationEndpoint: `${url}/revoke` } };
}

describe("github()", () => {
  const record = (url: string): ReturnType<typeof github> => {
    const made = at(github(client), url);
    return { ...made, identity: { ...(made.identity as object), userinfo: `${url}/userinfo` } as never };
  };
  const user: BentAnswer = {
    body: { id: 583231, login: "octocat", name: "Ada", email: null, avatar_url: "https://a.example/u" },
  };

  const bodies: Readonly<Record<string, BentAnswer>> = {
    JSON: { body: { access_token: "gho_1", scope: "repo,gist", token_type: "bearer" } },
    "a form": { headers: form, text: "access_token=gho_1&scope=repo%2Cgist&token_type=bearer" },
  };
  for (const [kind, answer] of Object.entries(bodies)) {
    test(`a token of GitHub without an end, as ${kind}, is handed out for a year`, async (t) => {
      const w = await bentProvider(t, { token: () => answer, userinfo: () => user }, { record });
      const grant = await w.connect();
      assert.deepEqual([grant.subject, grant.scopes, grant.offline], ["583231", ["repo", "gist"], false]);
      assert.deepEqual(grant.profile, { sub: "583231", name: "Ada", picture: "https://a.example/u" });
      w.clock.advance(360 * 86_400_000);
      assert.equal((await w.vault.getAccessToken(grant)).token, "gho_1");
      assert.equal(w.requests.find(({ path }) => path === "/userinfo")?.headers["x-github-api-version"], "2022-11-28");
    });
  }

  test("GitHub's tokens of 8 hours are refreshed, and a dead refresh token is told with 200", async (t) => {
    let isDead = false;
    const bend: Bend = {
      userinfo: () => user,
      token: (answer) =>
        isDead
          ? { body: { error: "bad_refresh_token", error_description: "The refresh token is incorrect or expired." } }
          : { body: { ...answer, expires_in: 28_800, refresh_token_expires_in: 15_897_600 } },
    };
    const w = await bentProvider(t, bend, { record });
    const grant = await w.connect();
    w.clock.advance(28_800_000);
    assert.equal((await w.vault.getAccessToken(grant)).token, "at-2");
    isDead = true;
    w.clock.advance(28_800_000);
    await assert.rejects(w.vault.getAccessToken(grant), fails("reauthorization_required"));
  });

  for (const [error, code] of [
    ["bad_verification_code", "code_rejected"],
    ["unverified_user_email", "code_rejected"],
    ["incorrect_client_credentials", "client_misconfigured"],
    ["redirect_uri_mismatch", "code_rejected"],
  ] as const) {
    test(`GitHub's ${error} with 200 is ${code}`, async (t) => {
      const w = await bentProvider(t, { token: () => ({ body: { error } }) }, { record });
      await assert.rejects(w.connect(), fails(code));
    });
  }

  test("a server of one's own is reached under its address", () => {
    const provider = github({ ...client, baseUrl: "https://ghe.example/" });
    assert.deepEqual(provider.apiHosts, ["ghe.example"]);
    assert.equal(
      typeof provider.identity === "object" && "userinfo" in provider.identity && provider.identity.userinfo,
      "https://ghe.example/api/v3/user",
    );
    assert.equal(provider.issuer, "https://ghe.example");
  });
});

describe("slack()", () => {
  const answer = {
    ok: true,
    access_token: "xoxb-bot",
    token_type: "bot",
    scope: "commands,chat:write",
    refresh_token: "xoxe-bot",
    expires_in: 43_200,
    team: { id: "T1", name: "Team" },
    enterprise: null,
    authed_user: {
      id: "U1",
      scope: "search:read,files:read",
      access_token: "xoxp-user",
      token_type: "user",
      refresh_token: "xoxe-user",
      expires_in: 43_200,
    },
  };
  for (const [tokens, subject, token, scopes] of [
    ["user", "T1:U1", "xoxp-user", ["search:read", "files:read"]],
    ["bot", "T1", "xoxb-bot", ["commands", "chat:write"]],
  ] as const) {
    test(`of an answer with a bot's token and a person's, the ${tokens}'s is kept and refreshed, and no other`, async (t) => {
      const refreshed = { ok: true, access_token: `${token}-2`, refresh_token: `xoxe-${tokens}-2`, expires_in: 43_200 };
      const bend: Bend = { token: (_, { form: sent }) => ({ body: sent["code"] === undefined ? refreshed : answer }) };
      const w = await bentProvider(t, bend, { record: (url) => at(slack({ ...client, tokens }), url) });
      const grant = await w.connect();
      assert.deepEqual([grant.subject, grant.scopes], [subject, scopes]);
      assert.equal((await w.vault.getAccessToken(grant)).token, token);
      w.clock.advance(43_200_000);
      assert.equal((await w.vault.getAccessToken(grant)).token, `${token}-2`);
      const other = tokens === "user" ? "xoxe-bot" : "xoxe-user";
      assert.ok(w.requests.every(({ body }) => !body.includes(other)));
      assert.ok(w.requests.some(({ body }) => body.includes(`xoxe-${tokens}`)));
    });
  }

  for (const [tokens, other] of [
    ["user", "xoxe-bot"],
    ["bot", "xoxe-user"],
  ] as const) {
    test(`where the ${tokens}'s refresh token is dead, the other one of the same answer is no way out`, async (t) => {
      const bend: Bend = {
        token: (_, { form: sent }) => ({
          body: sent["code"] === undefined ? { ok: false, error: "invalid_refresh_token" } : answer,
        }),
      };
      const w = await bentProvider(t, bend, { record: (url) => at(slack({ ...client, tokens }), url) });
      const grant = await w.connect();
      w.clock.advance(43_200_000);
      await assert.rejects(w.vault.getAccessToken(grant), fails("reauthorization_required"));
      assert.ok(w.requests.every(({ body }) => !body.includes(other)));
    });
  }

  const orgWide = { ...answer, team: null, enterprise: { id: "E1", name: "Org" }, is_enterprise_install: true };
  const inOrg = { ...answer, enterprise: { id: "E1", name: "Org" }, is_enterprise_install: false };
  for (const [what, body, place] of [
    ["for an organisation", orgWide, "E1"],
    ["for an organisation, without the member team", { ...orgWide, team: undefined }, "E1"],
    ["in a workspace of an organisation", inOrg, "T1"],
  ] as const) {
    for (const [tokens, subject, token] of [
      ["user", `${place}:U1`, "xoxp-user"],
      ["bot", place, "xoxb-bot"],
    ] as const) {
      test(`an app that is installed ${what} has the ${tokens}'s token under ${subject}`, async (t) => {
        const record = (url: string): ReturnType<typeof slack> => at(slack({ ...client, tokens }), url);
        const w = await bentProvider(t, { token: () => ({ body }) }, { record });
        const grant = await w.connect();
        assert.equal(grant.subject, subject);
        assert.equal((await w.vault.getAccessToken(grant)).token, token);
      });
    }
  }

  test("an answer that names neither a workspace nor an organisation names nobody", async (t) => {
    const body = { ...orgWide, enterprise: null };
    const w = await bentProvider(t, { token: () => ({ body }) }, { record: (url) => at(slack(client), url) });
    await assert.rejects(w.connect(), fails("code_rejected", "no_subject"));
  });

  for (const [error, code] of [
    ["invalid_code", "code_rejected"],
    ["code_already_used", "code_rejected"],
    ["bad_client_secret", "client_misconfigured"],
    ["invalid_client_id", "client_misconfigured"],
    ["ratelimited", "provider_unavailable"],
    ["internal_error", "provider_unavailable"],
  ] as const) {
    test(`Slack's ${error} with 200 is ${code}`, async (t) => {
      const w = await bentProvider(
        t,
        { token: () => ({ body: { ok: false, error } }) },
        { record: (url) => at(slack(client), url) },
      );
      await assert.rejects(w.connect(), fails(code));
    });
  }

  test("a token that Slack has revoked already counts as revoked", async (t) => {
    const bend: Bend = {
      token: () => ({ body: answer }),
      revoke: () => ({ body: { ok: false, error: "token_revoked" } }),
    };
    const w = await bentProvider(t, bend, { record: (url) => at(slack(client), url) });
    const grant = await w.connect();
    await w.vault.revoke(grant);
    assert.equal((await w.vault.grant(grant)).state, "revoked");
    assert.equal((await w.vault.grant(grant)).reason, "revoked");
  });

  test("slack() refuses tokens of a kind that there is not", () => {
    assert.throws(() => slack({ ...client, tokens: "app" as never }), fails("configuration_invalid", "user or bot"));
  });
});

describe("microsoft()", () => {
  const tenant = "11111111-2222-3333-4444-555555555555";
  for (const who of ["common", tenant]) {
    test(`people of a tenant sign in at Microsoft: ${who === "common" ? "of any" : "of one"}`, async (t) => {
      const theirs = (url: string): object => ({ iss: `${url}/${tenant}/v2.0`, tid: tenant });
      const discovery = (url: string): object => ({ issuer: `${url}/${who === "common" ? "{tenantid}" : who}/v2.0` });
      const bend: Bend = {
        claims: (url) => ({ ...theirs(url) }),
        discovery: (url) => ({ ...discovery(url) }),
        token: (answer) => ({
          body: { ...answer, ext_expires_in: 3600, scope: "https://graph.microsoft.com/Mail.Read" },
        }),
      };
      const record = (url: string) => microsoft({ ...client, tenant: who, baseUrl: url });
      const w = await bentProvider(t, bend, { record, idToken: true });
      const grant = await w.connect("ada/1", { scopes: ["Mail.Read", "offline_access"] });
      assert.equal(grant.subject, "ada");
      w.clock.advance(3_700_000);
      assert.equal((await w.vault.getAccessToken(grant)).token, "at-2");
    });
  }

  test("a person of another tenant is refused where one tenant was named", async (t) => {
    const other = "99999999-2222-3333-4444-555555555555";
    const bend: Bend = {
      claims: (url) => ({ iss: `${url}/${other}/v2.0`, tid: other }),
      discovery: (url) => ({ issuer: `${url}/${tenant}/v2.0` }),
    };
    const w = await bentProvider(t, bend, {
      record: (url) => microsoft({ ...client, tenant, baseUrl: url }),
      idToken: true,
    });
    await assert.rejects(w.connect(), fails("id_token_invalid"));
  });

  const description = "AADSTS53003: Access has been blocked by Conditional Access policies.";
  for (const [what, body, code, reason] of [
    [
      "a second factor",
      { error: "invalid_grant", error_codes: [50076], suberror: "basic_action" },
      "person",
      "second_factor_required",
    ],
    [
      "a second factor, by the number alone",
      { error: "invalid_grant", error_codes: [50076] },
      "person",
      "second_factor_required",
    ],
    [
      "consent, by suberror alone",
      { error: "invalid_grant", suberror: "consent_required" },
      "person",
      "consent_required",
    ],
    [
      "a policy",
      { error: "invalid_grant", error_codes: [53003], suberror: "message_only" },
      "person",
      "admin_policy_enforced",
    ],
    [
      "a policy, by the description",
      { error: "invalid_grant", error_description: description },
      "person",
      "admin_policy_enforced",
    ],
    ["an API not subscribed to", { error: "invalid_client", error_codes: [650052] }, "person", "admin_policy_enforced"],
    [
      "a token that was not used",
      { error: "invalid_grant", error_codes: [700082], suberror: "bad_token" },
      "person",
      "refresh_token_unused",
    ],
    ["a number that nobody knows", { error: "invalid_grant", error_codes: [999999] }, "person", "invalid_grant"],
    ["a secret that has expired", { error: "invalid_client", error_codes: [7000222] }, "client", "wrong_client_secret"],
    [
      "a secret that is wrong",
      { error: "unauthorized_client", error_codes: [7000215] },
      "client",
      "wrong_client_secret",
    ],
    ["an outage", { error: "invalid_grant", error_codes: [90033] }, "later", "provider_unavailable"],
    [
      "an account that is locked for a while",
      { error: "invalid_grant", error_codes: [50053] },
      "later",
      "provider_unavailable",
    ],
  ] as const) {
    test(`a refusal by Entra for ${what} concerns the ${code}`, async (t) => {
      let isRefused = false;
      const bend: Bend = {
        token: (answer) => (isRefused ? { status: 400, body } : { body: answer }),
        claims: (url) => ({ iss: `${url}/${tenant}/v2.0`, tid: tenant }),
        discovery: (url) => ({ issuer: `${url}/${tenant}/v2.0` }),
      };
      const record = (url: string) => microsoft({ ...client, tenant, baseUrl: url });
      const w = await bentProvider(t, bend, { record, idToken: true });
      const grant = await w.connect("ada/1");
      isRefused = true;
      w.clock.advance(3_700_000);
      const codes = {
        person: "reauthorization_required",
        client: "client_misconfigured",
        later: "provider_unavailable",
      };
      await assert.rejects(w.vault.getAccessToken(grant), fails(codes[code] as "code_rejected"));
      const { state, reason: why } = await w.vault.grant(grant);
      assert.deepEqual([state, why], [code === "person" ? "lapsed" : "active", reason]);
      isRefused = false;
      if (code === "person") return;
      w.clock.advance(7_200_000);
      assert.equal((await w.vault.getAccessToken(grant)).token, "at-3");
    });
  }

  test("a domain's name is no tenant's id, and says so", () => {
    assert.throws(() => microsoft({ ...client, tenant: "contoso.com" }), fails("configuration_invalid", "tenant"));
    assert.doesNotThrow(() => microsoft({ ...client, tenant: "consumers" }));
  });
});

test("ready-made records can be opened as they are, and refuse what nobody knows", () => {
  for (const make of [github, slack, microsoft]) {
    assert.doesNotThrow(() => loadClient(make({ ...client, scopes: ["a"] })));
    assert.throws(
      () => make({ ...client, client_secret: "x" } as never),
      fails("configuration_invalid", "client_secret"),
    );
  }
});
