import assert from "node:assert/strict";
import { test } from "node:test";
import { siteOf } from "../../../src/vault/http/connect/site.ts";
import type { ConnectSite } from "../../../src/vault/http/connect/site.ts";
import { ConnectBrowser, consented, newVerifier } from "../../support/connect-browser.ts";
import { testService } from "../../support/test-service.ts";

const returnUrl = "https://app.example/settings";
const returnUrls = ["https://app.example/*"];

test("a caller makes a link, the person follows it over a socket, and the caller finishes it", async (t) => {
  const { fixture, ask, url, vault, faults } = await testService(t, { returnUrls, appName: "Example" });
  const { codeVerifier, codeChallenge } = newVerifier();
  const body = { external_id: "user-42", return_url: returnUrl, code_challenge: codeChallenge };
  const made = await ask("/v1/connect", { method: "POST", body: JSON.stringify(body), headers: json });
  assert.equal(made.status, 201);
  const link = (await made.json()) as Record<string, string>;
  assert.equal(link["url"], `${url}/connect/${link["connect_id"]}`);
  const state = async (): Promise<unknown> => (await ask(`/v1/connect/${link["connect_id"]}`)).json();
  assert.deepEqual(await state(), { status: "waiting" });

  const browser = new ConnectBrowser((request) => fetch(request));
  const opened = await browser.open(link["url"] ?? "");
  const back = await browser.open(consented(fixture.standin, opened.location ?? ""));
  assert.equal(back.location, `${returnUrl}?connect_id=${link["connect_id"]}&status=pending`);
  const finish = `/v1/connect/${link["connect_id"]}/finish`;
  assert.equal((await ask(finish, { method: "POST" })).status, 400);
  const done = await ask(finish, { method: "POST", body: new URLSearchParams({ code_verifier: codeVerifier }) });
  const grant = (await done.json()) as Record<string, unknown>;
  assert.deepEqual([done.status, grant["external_id"], grant["offline"]], [200, "user-42", true]);
  assert.deepEqual(await state(), { status: "finished", grant_id: grant["grant_id"] });
  assert.equal((await vault.grants()).grants.length, 1);
  assert.deepEqual(faults, []);
});

test("a caller makes no link for a user out of its reach, and sees none", async (t) => {
  const { ask, vault } = await testService(t, { returnUrls });
  const { key } = await vault.callers.create("narrow", { allow: ["connect"], grants: ["ext:team-a:*"] });
  const authorization = `Bearer ${key.expose()}`;
  const begin = (external_id: string, headers: Record<string, string> = {}): Promise<Response> =>
    ask("/v1/connect", {
      method: "POST",
      body: JSON.stringify({ external_id, return_url: returnUrl }),
      headers: { ...json, ...headers },
    });
  assert.equal((await begin("team-b:1", { authorization })).status, 403);
  assert.equal((await begin("team-a:1", { authorization })).status, 201);
  const { connect_id: theirs } = (await (await begin("team-b:1")).json()) as { connect_id: string };
  assert.equal((await ask(`/v1/connect/${theirs}`, { headers: { authorization } })).status, 404);
  assert.equal((await ask(`/v1/connect/${theirs}/finish`, { method: "POST", headers: { authorization } })).status, 404);
});

test("without a list of return URLs no link can be made", async (t) => {
  const { ask } = await testService(t);
  const body = JSON.stringify({ external_id: "user-42", return_url: returnUrl });
  const refused = await ask("/v1/connect", { method: "POST", body, headers: json });
  assert.deepEqual(
    [refused.status, ((await refused.json()) as { error: string }).error],
    [400, "return_url_not_allowed"],
  );
});

test("a browser that comes back to an address of the service that is none is led to the page that says how the link ended, and reads a page where there is nothing", async (t) => {
  const { ask, url, vault } = await testService(t, { returnUrls: "own", appName: "Example" });
  const people = { accept: "text/html,*/*;q=0.8", "accept-language": "fr" };
  const { connectId } = await vault.beginConnect({ externalId: "user-42", returnUrl: `${url}/back` }, siteOfTest(url));
  for (const path of ["/", "/back", "/back/further"]) {
    const led = await ask(`${path}?connect_id=${connectId}&status=finished`, { headers: people, redirect: "manual" });
    assert.deepEqual([led.status, led.headers.get("location")], [303, `${url}/connect/done?connect_id=${connectId}`]);
  }
  for (const path of ["/back", "/connect", "/connect/", "/connect/a/b", "/dashboard/nothing", "/back?connect_id=c_x"]) {
    const lost = await ask(path, { headers: people });
    assert.deepEqual([lost.status, lost.headers.get("content-language")], [404, "fr"], path);
    assert.match(await lost.text(), /Ce lien ne fonctionne pas/);
  }
  for (const [path, accept, status = 404] of [
    ["/back", "application/json"],
    ["/v1/nothing", people.accept],
    ["/authcode/nothing", people.accept],
    ["/risc/nothing", people.accept],
    ["/back?connect_id=c_x", "*/*"],
    // There is something: what is wrong with the question is said, to whomever.
    ["/healthz?verbose=1", people.accept, 400],
  ] as const) {
    const program = await ask(path, { headers: { accept } });
    assert.deepEqual([program.status, program.headers.get("content-type")], [status, "application/problem+json"], path);
  }
});

const json = { "content-type": "application/json" };

function siteOfTest(url: string): ConnectSite {
  return siteOf({ baseUrl: `${url}/connect` });
}
