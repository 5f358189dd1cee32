import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { isOnbehalfError } from "../../../src/index.ts";
import { testVault, outcomes, sharedStandin } from "../../support/test-vault.ts";
import type { SharedStandin } from "../../support/test-vault.ts";

const files = "https://www.googleapis.com/drive/v3/files";
const uploads = "https://www.googleapis.com/upload/drive/v3/files";

let people = 0;
/** Nobody consented before: their first code brings a refresh token. */
const somebody = (): string => `person${String((people += 1))}@example.com`;

describe("calling an API", () => {
  let shared: SharedStandin;
  before(async () => {
    shared = await sharedStandin();
  });
  after(() => shared.standin.close());

  test("calling an API adds the token, and hands the answer back as it came", async (t) => {
    const { open, code } = await testVault(t, { shared });
    const vault = await open();
    const { grantId } = await vault.exchangeCode({ code: code(somebody()) });
    const folder = await vault.fetch(grantId, `${files}/appfolder`);
    assert.equal(folder.status, 200);
    assert.equal(((await folder.json()) as { kind: string }).kind, "drive#file");
    const made = await vault.fetch(grantId, files, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "a.txt", parents: ["appDataFolder"] }),
    });
    assert.equal(made.status, 200);
    const missing = await vault.fetch(grantId, new URL(`${files}/no-such-file`));
    assert.equal(missing.status, 404);
  });

  test("calling an API does not let the caller's own Authorization header win", async (t) => {
    const { open, code } = await testVault(t, { shared });
    const vault = await open();
    const { grantId } = await vault.exchangeCode({ code: code(somebody()) });
    const headers = { authorization: "Bearer obk_a_callers_own_key" };
    assert.equal((await vault.fetch(grantId, `${files}/appfolder`, { headers })).status, 200);
  });

  test("calling an API that answers 401 is repeated once, with a new token from one refresh", async (t) => {
    const { standin, open, code, newRequests } = await testVault(t, { shared });
    const vault = await open();
    const { grantId } = await vault.exchangeCode({ code: code(somebody()) });
    const before = await vault.getAccessToken(grantId);
    newRequests();
    standin.fault("POST", "/drive/v3/files", { times: 1, status: 401 });
    const made = await vault.fetch(grantId, files, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "a.txt", parents: ["appDataFolder"] }),
    });
    assert.equal(made.status, 200);
    assert.equal(standin.log().entries.findLast(({ path }) => path === "/drive/v3/files")?.status, 200);
    assert.deepEqual(outcomes(newRequests()), { refreshed: 1 });
    assert.notEqual((await vault.getAccessToken(grantId)).token, before.token);
  });

  test("calling an API that goes on answering 401 is not asked a third time", async (t) => {
    const { standin, open, code } = await testVault(t, { shared });
    const vault = await open();
    const { grantId } = await vault.exchangeCode({ code: code(somebody()) });
    const since = standin.log().entries.at(-1)?.seq ?? 0;
    standin.fault("GET", "/drive/v3/files/appfolder", { times: "always", status: 401 });
    const response = await vault.fetch(grantId, `${files}/appfolder`);
    standin.clearFaults();
    assert.equal(response.status, 401);
    const paths = standin.log(since).entries.map(({ path }) => path);
    assert.deepEqual(paths, ["/drive/v3/files/appfolder", "/token", "/drive/v3/files/appfolder"]);
  });

  test("calling an API with a hundred 401s at once makes one refresh", async (t) => {
    const { standin, open, code, newRequests } = await testVault(t, { shared });
    let refused = 0;
    const all = Promise.withResolvers<void>();
    // No call is repeated before all were refused: otherwise the repeated ones would be refused as well.
    const together = async (...[input, init]: Parameters<typeof fetch>): Promise<Response> => {
      const response = await fetch(input, init);
      if (response.status !== 401) return response;
      refused += 1;
      if (refused === 100) all.resolve();
      await all.promise;
      return response;
    };
    const vault = await open({ fetch: together });
    const { grantId } = await vault.exchangeCode({ code: code(somebody()) });
    standin.fault("GET", "/drive/v3/files/appfolder", { times: 100, status: 401 });
    const responses = await Promise.all(Array.from({ length: 100 }, () => vault.fetch(grantId, `${files}/appfolder`)));
    standin.clearFaults();
    assert.deepEqual(outcomes(newRequests()), { exchanged: 1, refreshed: 1 });
    assert.equal(responses.filter(({ status }) => status === 200).length, 100);
  });

  test("calling an API with a body that is a stream gets its 401 back, for it cannot be sent twice; the next call has a new token", async (t) => {
    const { standin, open, code, newRequests } = await testVault(t, { shared });
    const vault = await open();
    const { grantId } = await vault.exchangeCode({ code: code(somebody()) });
    newRequests();
    standin.fault("POST", "/upload/drive/v3/files", { times: 1, status: 401 });
    const body = new Blob(["a file"]).stream();
    const init = { method: "POST", headers: { "content-type": "text/plain" }, body, duplex: "half" } as RequestInit;
    const before = (await vault.getAccessToken(grantId)).token;
    const refused = await vault.fetch(grantId, `${uploads}?uploadType=media`, init);
    assert.deepEqual([refused.status, refused.headers.get("onbehalf-refresh")], [401, "done; not-repeated"]);
    assert.deepEqual(outcomes(newRequests()), { refreshed: 1 });
    assert.notEqual((await vault.getAccessToken(grantId)).token, before);
    const again = { ...init, body: new Blob(["a file"]).stream() } as RequestInit;
    assert.notEqual((await vault.fetch(grantId, `${uploads}?uploadType=media`, again)).status, 401);
    assert.deepEqual(outcomes(newRequests()), {});
  });

  test("calling an API with a stream while the provider is away gets the API's 401, and says that there is no new token", async (t) => {
    const { standin, open, code } = await testVault(t, { shared });
    const vault = await open();
    const { grantId } = await vault.exchangeCode({ code: code(somebody()) });
    standin.fault("POST", "/upload/drive/v3/files", { times: 1, status: 401 });
    standin.fault("POST", "/token", { times: 1, status: 400, body: { error: "unauthorized_client" } });
    const body = new Blob(["a file"]).stream();
    const init = { method: "POST", headers: { "content-type": "text/plain" }, body, duplex: "half" } as RequestInit;
    const refused = await vault.fetch(grantId, `${uploads}?uploadType=media`, init);
    standin.clearFaults();
    assert.equal(refused.status, 401);
    assert.match(
      refused.headers.get("onbehalf-refresh") ?? "",
      /^(?:failed; error=client_misconfigured|done; not-repeated)$/,
    );
  });

  const bodies: readonly (readonly [string, () => NonNullable<RequestInit["body"]>, string])[] = [
    ["text", () => "a file", "a file"],
    ["bytes", () => new TextEncoder().encode("a file"), "a file"],
    ["a blob", () => new Blob(["a file"]), "a file"],
    ["a form", () => new URLSearchParams({ a: "file" }), "a=file"],
  ];
  for (const [name, body, content] of bodies) {
    test(`calling an API with ${name} as the body: a repeated call sends it whole`, async (t) => {
      const { standin, open, code } = await testVault(t, { shared });
      const vault = await open();
      const scope = "openid https://www.googleapis.com/auth/drive.file";
      const { grantId } = await vault.exchangeCode({ code: code(somebody(), scope) });
      standin.fault("POST", "/upload/drive/v3/files", { times: 1, status: 401 });
      const headers = { "content-type": "text/plain" };
      const made = await vault.fetch(grantId, `${uploads}?uploadType=media`, { method: "POST", headers, body: body() });
      const { id } = (await made.json()) as { id: string };
      assert.equal(await (await vault.fetch(grantId, `${files}/${id}?alt=media`)).text(), content);
    });
  }

  test("calling an API for want of a scope is the API's own 403: neither refreshed nor repeated", async (t) => {
    const { open, code, newRequests } = await testVault(t, { shared });
    const vault = await open();
    const { grantId } = await vault.exchangeCode({ code: code("carl@example.com", "openid email") });
    newRequests();
    assert.equal((await vault.fetch(grantId, `${files}/appfolder`)).status, 403);
    assert.equal(newRequests().length, 0);
  });

  test("calling an API of a grant that has ended sends nothing", async (t) => {
    const { standin, clock, open, code } = await testVault(t, { shared });
    const vault = await open();
    const { grantId } = await vault.exchangeCode({ code: code("gone@example.com") });
    standin.revoke("gone@example.com");
    clock.advance(3_700_000);
    const since = standin.log().entries.at(-1)?.seq ?? 0;
    await assert.rejects(vault.fetch(grantId, `${files}/appfolder`), (error) =>
      isOnbehalfError(error, "reauthorization_required"),
    );
    assert.ok(standin.log(since).entries.every(({ path }) => path === "/token"));
  });

  test("calling an API that the caller gives up is given up", async (t) => {
    const { standin, open, code } = await testVault(t, { shared });
    const vault = await open();
    const { grantId } = await vault.exchangeCode({ code: code(somebody()) });
    await vault.getAccessToken(grantId);
    standin.fault("GET", "/drive/v3/files/appfolder", { times: 1, delayMs: 60_000 });
    const signal = AbortSignal.timeout(50);
    await assert.rejects(vault.fetch(grantId, `${files}/appfolder`, { signal }), /TimeoutError|aborted/i);
  });
});

describe("a host", () => {
  const refused = [
    "http://www.googleapis.com/",
    "https://www.googleapis.com:8443/",
    "https://ada@www.googleapis.com/",
    "https://ada:secret@www.googleapis.com/",
    "https://googleapis.com/",
    "https://www.googleapis.com.attacker.example/",
    "https://attacker.example/?https://www.googleapis.com",
    "https://www.googleapis.com@attacker.example/",
    "https://xgoogleapis.com/",
    "https://www.googleapis.com./",
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://169.254.169.254/latest/meta-data",
    "ftp://www.googleapis.com/",
    "data:text/plain,hello",
    "file:///etc/passwd",
  ];
  test("a host that the provider record does not list gets no token", async (t) => {
    const { provider, open, code, standin } = await testVault(t);
    const { apiBaseUrl: _none, ...real } = provider;
    const sent: string[] = [];
    const guarded: typeof fetch = (input, init) => {
      const url = input instanceof Request ? input.url : String(input);
      if (!url.startsWith(standin.url)) sent.push(url);
      return url.startsWith(standin.url) ? fetch(input, init) : Promise.resolve(new Response("ok"));
    };
    const vault = await open({ providers: [real], fetch: guarded });
    const { grantId } = await vault.exchangeCode({ code: code("ada@example.com") });
    for (const url of refused) {
      await assert.rejects(
        vault.fetch(grantId, url),
        (error) => isOnbehalfError(error, "host_not_allowed") && error.details.allowed.includes("*.googleapis.com"),
        url,
      );
    }
    assert.deepEqual(sent, []);
    for (const url of [`${files}/appfolder`, "https://gmail.googleapis.com/gmail/v1/users/me/profile"]) {
      assert.equal(await (await vault.fetch(grantId, url)).text(), "ok");
    }
    assert.equal(sent.length, 2);
  });

  test("a host of the stand-in is reached by Google's names, and no other is", async (t) => {
    const { open, code, standin } = await testVault(t);
    const vault = await open();
    const { grantId } = await vault.exchangeCode({ code: code("ada@example.com") });
    assert.equal((await vault.fetch(grantId, `${standin.url}/drive/v3/files/appfolder`)).status, 200);
    await assert.rejects(vault.fetch(grantId, `http://127.0.0.1:1/drive/v3/files/appfolder`), (error) =>
      isOnbehalfError(error, "host_not_allowed"),
    );
  });

  test("a host that an API redirects to never sees the token: the redirect is handed back", async (t) => {
    const requests: IncomingMessage[] = [];
    const elsewhere = createServer((request, response) => {
      requests.push(request);
      response.end("taken");
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
    t.after(() => elsewhere.close());
    const location = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`;

    const { standin, open, code } = await testVault(t);
    const vault = await open();
    const { grantId } = await vault.exchangeCode({ code: code("ada@example.com") });
    for (const status of [301, 302, 303, 307, 308]) {
      standin.fault("GET", "/drive/v3/files/appfolder", { times: 1, location, status });
      const response = await vault.fetch(grantId, `${files}/appfolder`, { redirect: "follow" });
      assert.equal(response.status, status);
      assert.equal(response.headers.get("location"), location);
    }
    assert.equal(requests.length, 0);
  });
});
