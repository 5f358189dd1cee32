import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { issuedToken } from "../../support/issued-tokens.ts";
import { assertProblem } from "../../support/problem.ts";
import { testService } from "../../support/test-service.ts";
import type { TestService } from "../../support/test-service.ts";
import { appData, outcomes } from "../../support/test-vault.ts";

type Body = Record<string, unknown>;

async function keyOf(
  { vault }: TestService,
  more: Partial<Parameters<TestService["vault"]["callers"]["create"]>[1]> = {},
): Promise<string> {
  const { key } = await vault.callers.create("mover", { allow: ["grants:create"], ...more });
  return key.expose();
}

async function post({ url }: TestService, key: string, body: Body | URLSearchParams): Promise<Response> {
  const isForm = body instanceof URLSearchParams;
  return fetch(`${url}/v1/grants/deposit`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, ...(isForm ? {} : { "content-type": "application/json" }) },
    body: isForm ? body : JSON.stringify(body),
  });
}

describe("POST /v1/grants/deposit", () => {
  for (const kind of ["JSON", "a form"]) {
    test(`a refresh token that came as ${kind} becomes a grant, and no token is in the answer`, async (t) => {
      const service = await testService(t);
      const { fixture, vault } = service;
      const refreshToken = await issuedToken(fixture.standin, "ada@example.com");
      fixture.newRequests();
      const members = {
        refresh_token: refreshToken,
        external_id: "user-1",
        provider: "google",
        access_token: "ya29.x",
      };
      const body = kind === "JSON" ? { ...members, expires_at: 1_800_000_000 } : new URLSearchParams(members);
      const response = await post(service, await keyOf(service), body);
      assert.equal(response.status, 201, await response.clone().text());
      assert.equal(response.headers.get("cache-control"), "no-store");
      const grant = (await response.json()) as Body;
      assert.equal(grant["external_id"], "user-1");
      assert.equal(grant["state"], "active");
      assert.ok(String(grant["scope"]).split(" ").includes(appData));
      assert.doesNotMatch(JSON.stringify(grant), /ya29\.|1\/\/|refresh_token"|access_token"|id_token"/);
      assert.equal((await vault.grant({ externalId: "user-1" })).grantId, grant["grant_id"]);
      assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 1 });
    });
  }

  test("what the provider refuses is deposit_refused, with its word and without the token", async (t) => {
    const service = await testService(t);
    const body = { refresh_token: "1//0never-issued", external_id: "user-1" };
    const response = await post(service, await keyOf(service), body);
    const problem = await assertProblem(response, "deposit_refused");
    assert.equal(problem["provider_error"], "invalid_grant");
    assert.doesNotMatch(JSON.stringify(problem), /never-issued/);
  });

  for (const [missing, body] of [
    ["refresh_token", { external_id: "user-1" }],
    ["external_id", { refresh_token: "1//0never-issued" }],
    ["refresh_token", { refresh_token: " 1//0never-issued\n", external_id: "user-1" }],
    ["refresh_token", { refresh_token: "null", external_id: "user-1" }],
    ["refresh_token", { refresh_token: "x".repeat(16_385), external_id: "user-1" }],
    ["external_id", { refresh_token: "1//0never-issued", external_id: "" }],
    ["external_id", { refresh_token: "1//0never-issued", external_id: "x".repeat(513) }],
    ["provider", { refresh_token: "1//0never-issued", external_id: "user-1", provider: "gogle" }],
    ["scope", { refresh_token: "1//0never-issued", external_id: "user-1", scope: "x".repeat(8_193) }],
    ["send_again", { refresh_token: "1//0never-issued", external_id: "user-1", send_again: "perhaps" }],
  ] as const) {
    test(`a deposit with ${JSON.stringify(body).slice(0, 70)} names ${missing}, and nothing is sent`, async (t) => {
      const service = await testService(t);
      const problem = await assertProblem(await post(service, await keyOf(service), body), "invalid_request");
      assert.equal(problem["parameter"], missing);
      assert.doesNotMatch(JSON.stringify(problem), /never-issued/);
      assert.deepEqual(service.fixture.newRequests(), []);
    });
  }

  test("a caller deposits for nobody out of its reach, and sees of the grant no external id out of it", async (t) => {
    const service = await testService(t);
    const { fixture, vault } = service;
    const key = await keyOf(service, { grants: ["ext:team-a:*"] });
    const refreshToken = await issuedToken(fixture.standin, "ada@example.com");
    fixture.newRequests();
    for (const externalId of ["team-b:1", "team-a"]) {
      const body = { refresh_token: refreshToken, external_id: externalId };
      await assertProblem(await post(service, key, body), "forbidden");
    }
    assert.deepEqual(fixture.newRequests(), []);
    await vault.deposit({ refreshToken, externalId: "team-b:1" });
    const response = await post(service, key, { refresh_token: refreshToken, external_id: "team-a:1" });
    assert.equal(response.status, 201);
    const grant = (await response.json()) as Body;
    const ids = grant["external_ids"] as readonly Body[];
    assert.deepEqual(
      ids.map((each) => each["external_id"]),
      ["team-a:1"],
    );
  });

  test("a caller without grants:create deposits nothing", async (t) => {
    const service = await testService(t);
    const key = await keyOf(service, { allow: ["grants:read", "token"] });
    const body = { refresh_token: "1//0never-issued", external_id: "user-1" };
    await assertProblem(await post(service, key, body), "forbidden");
    assert.deepEqual(service.fixture.newRequests(), []);
  });
});
