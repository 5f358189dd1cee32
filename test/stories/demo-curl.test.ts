import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { appData, Demo } from "../support/demo.ts";

const hourAndABit = 3_700;
const claims = ["sub", "email", "email_verified", "name", "picture", "locale", "family_name", "given_name"];

describe("the demo, with plain HTTP alone", () => {
  let demo: Demo;
  before(async () => {
    demo = await Demo.start();
  });
  after(() => demo.stop());

  test("the demo over HTTP: the ready line: one line, and everything a script needs", () => {
    const names = [
      "service",
      "standin",
      "page",
      "dashboard",
      "metrics",
      "caller_key",
      "caller_key_file",
      "client_id",
      "pid",
    ];
    assert.deepEqual(Object.keys(demo.ready), names);
    assert.equal(demo.output.stdout.split("\n").length, 2);
    assert.match(demo.service, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.match(demo.callerKey, /^obk_/);
    assert.equal(demo.ready["client_id"], "1234567890-abc123def456.apps.googleusercontent.com");
  });

  test("the demo over HTTP: a code without the header is refused, and still works afterwards", async () => {
    const authCode = await demo.code("ida.curl@example.com");
    const forged = await demo.authCode({ authCode }, {});
    assert.equal(forged.status, 403);
    assert.equal(forged.body["error"], "csrf_rejected");
    assert.match(forged.headers.get("content-type") ?? "", /^application\/problem\+json/);

    const { status, body } = await demo.authCode({ authCode });
    assert.equal(status, 200);
    for (const claim of claims) assert.ok(body[claim] !== undefined && body[claim] !== "", claim);
    assert.equal(body["email"], "ida.curl@example.com");
    assert.equal(body["email_verified"], true);
    assert.equal(body["offline"], true);
    assert.match(String(body["grant_id"]), /^g_/);
  });

  test("the demo over HTTP: a token as RFC 6749 section 5.1 has it, and Drive through the proxy", async () => {
    const { sub } = await demo.signIn("ada@example.com");
    const { status, headers, body } = await demo.token(`sub:${String(sub)}`);
    assert.equal(status, 200);
    assert.equal(headers.get("cache-control"), "no-store");
    assert.match(String(body["access_token"]), /^ya29\./);
    assert.equal(body["token_type"], "Bearer");
    const lifetime = Number(body["expires_in"]);
    assert.ok(lifetime > 3_500 && lifetime <= 3_600, String(lifetime));
    assert.equal(Number.isInteger(body["expires_at"]), true);
    assert.ok(String(body["scope"]).split(" ").includes(appData));

    const file = await demo.call(`/v1/grants/sub:${String(sub)}/proxy/www.googleapis.com/drive/v3/files/appfolder`);
    assert.equal(file.status, 200);
    assert.equal(file.body["kind"], "drive#file");
    assert.deepEqual(Object.keys(file.body), ["kind", "id", "name", "mimeType"]);
  });

  test("the demo over HTTP: an hour later: another token, one refresh; a hundred readers at once: again one", async () => {
    const grant = String((await demo.signIn("carl@example.com"))["grant_id"]);
    const first = await demo.token(grant);
    const refreshes = await demo.refreshes();
    await demo.advance(hourAndABit);
    const second = await demo.token(grant);
    assert.equal(second.status, 200);
    assert.notEqual(second.body["access_token"], first.body["access_token"]);
    const [only, ...others] = (await refreshes()).filter((entry) => entry.grant === "carl@example.com");
    assert.equal(only?.outcome, "refreshed");
    assert.deepEqual(others, []);

    const again = await demo.refreshes();
    await demo.advance(hourAndABit);
    const readers = await Promise.all(Array.from({ length: 100 }, () => demo.token(grant)));
    assert.deepEqual([...new Set(readers.map(({ status }) => status))], [200]);
    assert.equal(new Set(readers.map(({ body }) => body["access_token"])).size, 1);
    assert.notEqual(readers[0]?.body["access_token"], second.body["access_token"]);
    assert.equal((await again()).filter((entry) => entry.grant === "carl@example.com").length, 1);
  });

  test("the demo over HTTP: a second sign-in brings no refresh token, and the stored one goes on working", async () => {
    const first = await demo.signIn("twice@example.com");
    const second = await demo.signIn("twice@example.com");
    assert.equal(second["grant_id"], first["grant_id"]);
    assert.equal(second["offline"], true);
    const refreshes = await demo.refreshes();
    await demo.advance(hourAndABit);
    assert.equal((await demo.token(String(first["grant_id"]))).status, 200);
    const mine = (await refreshes()).filter(({ grant }) => grant === "twice@example.com");
    assert.deepEqual(
      mine.map(({ outcome }) => outcome),
      ["refreshed"],
    );
  });

  test("the demo over HTTP: a first sign-in without a refresh token: said at once, with the reason and the fix", async () => {
    const body = await demo.signIn("online@example.com", { access_type: "online" });
    assert.equal(body["offline"], false);
    assert.match(String(body["offline_reason"]), /no refresh token/);
    assert.match(String(body["hint"]), /access_type=offline/);
    await demo.advance(hourAndABit);
    const token = await demo.token(String(body["grant_id"]));
    assert.equal(token.status, 409);
    assert.equal(token.body["error"], "reauthorization_required");
    assert.equal(token.body["reason"], "no_refresh_token");
  });

  test("the demo over HTTP: an unticked scope: said in the answer, and by the proxy, by name", async () => {
    const body = await demo.signIn("unticked@example.com", { granted_scopes: "openid email profile" });
    assert.ok(!String(body["scope"]).split(" ").includes(appData));
    assert.deepEqual(body["missing_scopes"], [appData]);
    const refused = await demo.call(
      `/v1/grants/${String(body["grant_id"])}/proxy/www.googleapis.com/drive/v3/files/appfolder`,
    );
    assert.equal(refused.status, 403);
    assert.equal(refused.body["error"], "insufficient_scope");
    assert.ok((refused.body["missing_scopes"] as string[]).includes(appData));
    assert.match(String(refused.body["error_description"]), /drive\.appdata/);
  });

  test("the demo over HTTP: the person removes the app: why and since when, and a new sign-in mends it", async () => {
    const { grant_id: grantId } = await demo.signIn("leaver@example.com");
    const grant = String(grantId);
    assert.equal((await demo.token(grant)).status, 200);
    await demo.control("revoke", { email: "leaver@example.com" });
    await demo.advance(hourAndABit);
    const { now } = (await demo.request(`${demo.standin}/standin/clock`)).body;
    const refused = await demo.token(grant);
    assert.equal(refused.status, 409);
    assert.equal(refused.body["error"], "reauthorization_required");
    assert.equal(refused.body["reason"], "invalid_grant");
    assert.match(String(refused.body["hint"]), /sign in again/);
    const since = Date.parse(String(refused.body["since"]));
    assert.ok(Math.abs(since - Date.parse(String(now))) < 60_000, String(refused.body["since"]));
    assert.equal((await demo.call(`/v1/grants/${grant}`)).body["state"], "lapsed");

    const back = await demo.signIn("leaver@example.com");
    assert.equal(back["grant_id"], grant);
    assert.equal(back["offline"], true);
    assert.equal((await demo.token(grant)).status, 200);
    assert.equal((await demo.call(`/v1/grants/${grant}`)).body["state"], "active");
  });

  test("the demo over HTTP: a used code is refused, and the grant is none the worse", async () => {
    const authCode = await demo.code("replay@example.com");
    const first = await demo.authCode({ authCode });
    await demo.advance(120);
    const again = await demo.authCode({ authCode });
    assert.equal(again.status, 400);
    assert.equal(again.body["error"], "code_rejected");
    assert.equal((await demo.token(String(first.body["grant_id"]))).status, 200);
  });
});
