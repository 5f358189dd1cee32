import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { operations } from "../../../src/service/openapi/operations.ts";
import { service } from "../../../src/service/http/app.ts";
import type { Service } from "../../../src/service/http/app.ts";
import { assertProblem } from "../../support/problem.ts";
import { testVault } from "../../support/test-vault.ts";
import type { TestContext } from "node:test";

async function handlerOf(t: TestContext): Promise<Service> {
  return service(await (await testVault(t)).open());
}

const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

describe("the service's root", () => {
  test("the service's root is a page for browsers, which runs and loads nothing", async (t) => {
    const handle = await handlerOf(t);
    const answer = await handle(new Request("http://127.0.0.1/", { headers: { accept: browser } }));
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), "text/html; charset=utf-8");
    assert.equal(answer.headers.get("vary"), "Accept");
    assert.equal(answer.headers.get("content-security-policy"), "default-src 'none'; frame-ancestors 'none'; sandbox");
    const html = await answer.text();
    assert.doesNotMatch(html, /<script|<style|style=|<img|<form|src=|https?:/i);
    assert.match(html, /<html lang="en">/);
    assert.equal(html.match(/<h1>/g)?.length, 1);
    assert.match(html, /<a href="openapi\.json">\/openapi\.json<\/a>/);
    for (const [, target = ""] of html.matchAll(/href="([^"]*)"/g)) {
      const linked = await handle(new Request(new URL(target, "http://127.0.0.1/")));
      assert.equal(linked.status, 200, target);
    }
  });

  test("the service's root is JSON for programs, with the addresses that there are", async (t) => {
    const handle = await handlerOf(t);
    for (const headers of [{}, { accept: "*/*" }, { accept: "application/json" }]) {
      const answer = await handle(new Request("http://127.0.0.1/", { headers }));
      assert.equal(answer.headers.get("content-type"), "application/json");
      const { addresses } = (await answer.json()) as { addresses: { method: string; path: string; what: string }[] };
      const expected = operations.filter(({ path }) => path !== "/" && path !== "/metrics");
      assert.deepEqual(
        addresses,
        expected.map(({ method, path, summary }) => ({ method: method.toUpperCase(), path, what: summary })),
      );
    }
  });

  test("the service's root tells a stranger nothing of what is behind it, whoever asks", async (t) => {
    const fixture = await testVault(t);
    const vault = await fixture.open();
    const { key } = await vault.callers.create("planted", { allow: ["metrics", "token"] });
    const handle = service(vault, { publicUrl: "https://planted.example.com" });
    for (const accept of [browser, "*/*"]) {
      const plain = await (await handle(new Request("https://planted.example.com/", { headers: { accept } }))).text();
      const headers = { accept, authorization: `Bearer ${key.expose()}` };
      const known = await (await handle(new Request("https://planted.example.com/", { headers }))).text();
      assert.equal(known, plain);
      assert.doesNotMatch(plain, /planted|sqlite|postgres|google|\d+\.\d+\.\d+|\/metrics/i);
    }
  });

  test("the service's root takes no other method, and no query", async (t) => {
    const handle = await handlerOf(t);
    await assertProblem(await handle(new Request("http://127.0.0.1/", { method: "POST" })), "method_not_allowed");
    await assertProblem(await handle(new Request("http://127.0.0.1/?x=1")), "invalid_request");
    // A person who comes back here has mistyped nothing.
    const person = await handle(new Request("http://127.0.0.1/?x=1", { headers: { accept: browser } }));
    assert.equal(person.status, 200);
    assert.equal((await handle(new Request("http://127.0.0.1/", { method: "HEAD" }))).status, 200);
  });
});
