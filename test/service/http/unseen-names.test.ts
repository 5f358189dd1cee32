import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { assertProblem } from "../../support/problem.ts";
import { testService } from "../../support/test-service.ts";
import type { TestService } from "../../support/test-service.ts";

/** A caller of one team, beside a caller that sees everything. */
async function narrowCaller({ vault }: TestService): Promise<string> {
  const { key } = await vault.callers.create("team-a", {
    allow: ["grants:create", "grants:read", "token"],
    grants: ["ext:a:*"],
  });
  return `Bearer ${key.expose()}`;
}

async function connect(
  { ask, fixture }: TestService,
  email: string,
  externalId: string,
  authorization?: string,
  account: string | undefined = "work",
): Promise<Response> {
  return ask("/v1/grants", {
    method: "POST",
    headers: { "content-type": "application/json", ...(authorization === undefined ? {} : { authorization }) },
    body: JSON.stringify({ code: fixture.code(email), external_id: externalId, account }),
  });
}

async function idOf(response: Response): Promise<string> {
  return String(((await response.json()) as Record<string, unknown>)["grant_id"]);
}

/** Makes a person's profile unreadable, as damage or somebody's hand would. */
function damage({ fixture }: TestService, grantId: string): void {
  const database = new DatabaseSync(fixture.path);
  database.prepare("UPDATE grants SET profile_sealed = X'00' WHERE grant_id = ?").run(grantId);
  database.close();
}

describe("an error for a caller that does not see every grant", () => {
  test("an error for a caller that does not see every grant names no grant that another team connected", async (t) => {
    const here = await testService(t);
    const narrow = await narrowCaller(here);
    const theirs = await idOf(await connect(here, "carl@example.com", "b:7"));
    const own = await idOf(await connect(here, "ada@example.com", "a:1", narrow));

    const response = await connect(here, "carl@example.com", "a:1", narrow);
    const text = await response.clone().text();
    const problem = await assertProblem(response, "external_id_conflict");
    assert.ok(!text.includes(theirs) && !text.includes("carl"), text);
    assert.ok(!("grant_id" in problem));
    assert.equal(problem["held_by"], own, "this one it sees");
    // The very same request again, and one that would see it.
    const wide = await assertProblem(await connect(here, "carl@example.com", "a:1"), "external_id_conflict");
    assert.deepEqual([wide["grant_id"], wide["held_by"]], [theirs, own]);
  });

  test("an error for a caller that does not see every grant names a conflict's grant that it sees by another id", async (t) => {
    const here = await testService(t);
    const narrow = await narrowCaller(here);
    const one = await idOf(await connect(here, "ada@example.com", "a:1", narrow));
    const two = await idOf(await connect(here, "carl@example.com", "a:2", narrow));
    const problem = await assertProblem(await connect(here, "carl@example.com", "a:1", narrow), "external_id_conflict");
    assert.deepEqual([problem["grant_id"], problem["held_by"]], [two, one]);
  });

  test("an error for a caller that does not see every grant names no grant that a first sign-in made out of its reach", async (t) => {
    const here = await testService(t);
    const narrow = await narrowCaller(here);
    await connect(here, "ada@example.com", "a:1", narrow);
    const problem = await assertProblem(await connect(here, "carl@example.com", "a:1", narrow), "external_id_conflict");
    assert.ok(!("grant_id" in problem));
  });

  test("an error for a caller that does not see every grant, or has no key, does not name a grant that does not open", async (t) => {
    const here = await testService(t);
    const narrow = await narrowCaller(here);
    const grantId = await idOf(await connect(here, "ada@example.com", "a:1"));
    damage(here, grantId);
    const refs = [`/v1/grants/ext:a:1`, `/v1/grants/ext:a:1/token`, `/v1/grants/ext:a:1/token?min_ttl_seconds=3000`];
    for (const path of refs) {
      const text = await (await here.ask(path, { headers: { authorization: narrow } })).text();
      assert.ok(!text.includes(grantId), `${path}: ${text}`);
    }
  });

  test("an error for somebody without a key does not name the grant whose row is not the person's", async (t) => {
    const here = await testService(t);
    const grantId = await idOf(await connect(here, "ada@example.com", "a:1"));
    const database = new DatabaseSync(here.fixture.path);
    database.exec("UPDATE grants SET identity_mac = X'00', profile_sealed = X'00'");
    database.close();
    const body = new URLSearchParams({ authCode: here.fixture.code("ada@example.com") });
    const headers = { authorization: "", "x-requested-with": "x" };
    const response = await here.ask("/authcode", { method: "POST", headers, body });
    const text = await response.clone().text();
    const problem = await assertProblem(response, "grant_unreadable");
    assert.ok(!text.includes(grantId) && !("grant_id" in problem), text);
    const wide = await assertProblem(await connect(here, "ada@example.com", "a:1"), "grant_unreadable");
    assert.equal(wide["grant_id"], grantId);
  });
});
