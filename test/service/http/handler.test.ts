import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { getRequestListener, serve } from "@hono/node-server";
import { Hono } from "hono";
import { service } from "../../../src/service/index.ts";
import { testVault } from "../../support/test-vault.ts";
import { assertProblem, publicErrors } from "../../support/problem.ts";
import { permissions } from "../../../src/vault/http/callers.ts";

const posted = { "x-requested-with": "XMLHttpRequest" };

/** Listens on any port until the test is over. */
async function listening(t: TestContext, server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("the service as a web-standard handler", () => {
  test("the service as a web-standard handler answers requests without a socket", async (t) => {
    const fixture = await testVault(t);
    const vault = await fixture.open();
    const handle = service(vault, { publicUrl: "https://vault.example.com" });
    const { key } = await vault.callers.create("backend", { allow: permissions });
    const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
      handle(new Request(`https://vault.example.com${path}`, init));

    const body = new URLSearchParams({ authCode: fixture.code("ada@example.com") });
    await assertProblem(await ask("/authcode", { method: "POST", body }), "csrf_rejected");
    const consent = await ask("/authcode", { method: "POST", body, headers: posted });
    assert.equal(consent.status, 200);
    const { grant_id: grantId } = (await consent.json()) as { grant_id: string };

    const headers = { authorization: `Bearer ${key.expose()}` };
    const token = await ask(`/v1/grants/${grantId}/token`, { headers });
    assert.equal(token.status, 200);
    assert.match(await token.text(), /"access_token":"ya29\./);
    const folder = await ask(`/v1/grants/${grantId}/proxy/www.googleapis.com/drive/v3/files/appfolder`, { headers });
    assert.equal(folder.status, 200);
    await assertProblem(await ask("/nowhere"), "not_found");
    await assertProblem(await ask(`/v1/grants/${grantId}/token`), "unauthorized");
    const proxied = `/v1/grants/${grantId}/proxy/www.googleapis.com`;
    for (const path of ["%2e%2e%2fx", "a%2fb", "a%5cb"]) {
      await assertProblem(await ask(`${proxied}/${path}`, { headers }), "invalid_request", path);
    }
  });

  test("the service as a web-standard handler is mounted in another application", async (t) => {
    const fixture = await testVault(t);
    const vault = await fixture.open();
    const handle = service(vault);
    const app = new Hono();
    app.get("/", (context) => context.text("the app itself"));
    app.all("*", (context) => handle(context.req.raw));
    assert.equal(await (await app.request("/")).text(), "the app itself");
    assert.equal((await app.request("/healthz")).status, 200);
  });
});

describe("the code handler in an app's own server", () => {
  test("the code handler works in an app's own server over node:http", async (t) => {
    const fixture = await testVault(t);
    const vault = await fixture.open();
    const takeCode = vault.authCodeHandler();
    const listener = getRequestListener(takeCode, { overrideGlobalObjects: false });
    const url = await listening(
      t,
      createServer((request, response) => {
        if (request.url === "/authcode") void listener(request, response);
        else response.end("the app itself");
      }),
    );
    assert.equal(await (await fetch(url)).text(), "the app itself");
    const body = new URLSearchParams({ authCode: fixture.code("ada@example.com") });
    await assertProblem(await fetch(`${url}/authcode`, { method: "POST", body }), "csrf_rejected", "", publicErrors);
    const response = await fetch(`${url}/authcode`, { method: "POST", body, headers: posted });
    const consent = (await response.json()) as Record<string, unknown>;
    assert.deepEqual([response.status, consent["email"]], [200, "ada@example.com"]);
    await assertProblem(await fetch(`${url}/authcode`), "method_not_allowed", "", publicErrors);
  });

  test("the code handler works under another path of a hono application", async (t) => {
    const fixture = await testVault(t);
    const vault = await fixture.open();
    const takeCode = vault.authCodeHandler({ allowedOrigins: ["https://app.example.com"] });
    const app = new Hono();
    app.on(["POST", "OPTIONS"], "/api/sign-in", (context) => takeCode(context.req.raw));
    const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1", overrideGlobalObjects: false }) as Server;
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    if (!server.listening) await new Promise<void>((resolve) => server.once("listening", () => resolve()));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/sign-in`;
    const headers = { ...posted, origin: "https://app.example.com", "sec-fetch-site": "cross-site" };
    const body = new URLSearchParams({
      authCode: fixture.standin.code({ kind: "popup", email: "ada@example.com" }),
    });
    const response = await fetch(url, { method: "POST", body, headers });
    assert.equal(response.status, 200, "a page's code needs no source: a browser says what it is");
    assert.equal(response.headers.get("access-control-allow-origin"), "https://app.example.com");
  });

  test("the code handler in an app's own server asks which provider, where there are several, unless it was told", async (t) => {
    const fixture = await testVault(t);
    const other = { ...fixture.provider, name: "other" };
    const vault = await fixture.open({ providers: [fixture.provider, other] });
    const post = (handler: (request: Request) => Promise<Response>, more: object = {}): Promise<Response> =>
      handler(
        new Request("https://app.example.com/authcode", {
          method: "POST",
          headers: posted,
          body: new URLSearchParams({ authCode: fixture.code("ada@example.com"), ...more }),
        }),
      );
    const problem = await assertProblem(await post(vault.authCodeHandler()), "invalid_request", "", publicErrors);
    assert.equal(problem["parameter"], "provider");
    assert.equal((await post(vault.authCodeHandler({ provider: "google" }))).status, 200);
    assert.equal((await post(vault.authCodeHandler(), { provider: "google" })).status, 200);
  });
});
