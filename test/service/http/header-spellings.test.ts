import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { permissions } from "../../../src/vault/http/callers.ts";
import { sharedStandin } from "../../support/test-vault.ts";
import type { SharedStandin } from "../../support/test-vault.ts";
import { rawRequest, testService } from "../../support/test-service.ts";
import { nameOf, pathOf, routes } from "./route-table.ts";

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

/** What a program in front might be believed to have set: the address that was asked for, who asks, and how. */
const claims: Readonly<Record<string, string>> = {
  "x-forwarded-uri": "/healthz",
  "x-original-url": "/healthz",
  "x-rewrite-url": "/healthz",
  "x-original-uri": "/healthz",
  "x-forwarded-path": "/healthz",
  "x-http-method-override": "GET",
  "x-forwarded-for": "127.0.0.1",
  "x-real-ip": "127.0.0.1",
  forwarded: "for=127.0.0.1;host=localhost;proto=https",
  "x-forwarded-user": "all",
  "x-remote-user": "all",
  "x-auth-request-user": "all",
  "user-agent": "kube-probe/1.30",
  referer: "http://localhost/",
};
const guarded = routes.filter(({ permission }) => permission !== undefined);

describe("a header that claims something", () => {
  for (const [header, value] of Object.entries(claims)) {
    test(`a header that claims something opens no route to somebody without a key: ${header}`, async (t) => {
      const { url, grant, faults } = await testService(t, { shared });
      const { grantId } = await grant();
      for (const route of guarded) {
        for (const name of [header, header.replaceAll("-", "_")]) {
          const answer = await rawRequest(url, pathOf(route, grantId), {
            method: route.method,
            headers: { [name]: value, "content-length": "0" },
          });
          // This service counts nothing, so that there are no metrics to ask for.
          const closed = route.path === "/metrics" ? 404 : 401;
          assert.equal(answer.status, closed, `${nameOf(route)} with ${name}`);
        }
      }
      assert.deepEqual(faults, []);
    });
  }

  test("a header that claims something gives a caller no more than its key", async (t) => {
    const { url, grant, keyFor } = await testService(t, { shared });
    const { grantId } = await grant();
    const key = await keyFor("grants:read");
    for (const [header, value] of Object.entries(claims)) {
      const answer = await rawRequest(url, `/v1/grants/${grantId}/token`, {
        headers: { authorization: `Bearer ${key}`, [header]: value },
      });
      assert.equal(answer.status, 403, header);
    }
  });
});

describe("a key's header that is written in another way", () => {
  test("a key's header with an underscore, twice, or under another name is no key", async (t) => {
    const { url, key } = await testService(t, { shared });
    const bearer = `Bearer ${key}`;
    const spellings: readonly Record<string, string>[] = [
      { proxy_authorization: bearer },
      { "proxy-authorization": bearer },
      { "x-authorization": bearer },
      { "x-api-key": key },
      { cookie: `authorization=${bearer}; key=${key}` },
      { authorization_: bearer },
      { "authorization\u00a0": bearer },
    ];
    for (const headers of spellings) {
      const answer = await rawRequest(url, "/v1/grants", { headers });
      assert.ok([400, 401].includes(answer.status), `${JSON.stringify(Object.keys(headers))}: ${answer.status}`);
      assert.ok(!answer.body.includes(key));
    }
    for (const query of [`?access_token=${key}`, `?authorization=${encodeURIComponent(bearer)}`, `?key=${key}`]) {
      const answer = await rawRequest(url, `/v1/grants${query}`);
      assert.equal(answer.status, 401, query);
      assert.ok(!answer.body.includes(key));
    }
  });

  test("the header against forged forms counts under its own name alone", async (t) => {
    const { url, fixture } = await testService(t, { shared });
    const body = new URLSearchParams({ authCode: fixture.code("ada@example.com") }).toString();
    const form = { "content-type": "application/x-www-form-urlencoded", "content-length": `${body.length}` };
    for (const name of ["x_requested_with", "x-requested_with", "xrequestedwith", "requested-with"]) {
      const answer = await rawRequest(url, "/authcode", { method: "POST", headers: { ...form, [name]: "x" }, body });
      assert.equal(answer.status, 403, name);
    }
    const headers = { ...form, "x-requested-with": "x" };
    assert.equal((await rawRequest(url, "/authcode", { method: "POST", headers, body })).status, 200);
  });

  test("a proxied request with a header that an API might take for another is refused or goes without it", async (t) => {
    const { url, grant, keyFor, fixture } = await testService(t, { shared });
    const { grantId } = await grant();
    const key = await keyFor(...permissions);
    const target = `/v1/grants/${grantId}/proxy/www.googleapis.com/drive/v3/files`;
    for (const name of ["x_goog_user_project", "x_forwarded_for", "content_length", "transfer_encoding", "host_"]) {
      const answer = await rawRequest(url, target, { headers: { authorization: `Bearer ${key}`, [name]: "planted" } });
      assert.equal(answer.status, 400, name);
    }
    assert.ok(!JSON.stringify(fixture.standin.log().entries).includes("planted"));
  });
});
