import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { pages } from "../../../src/service/pages/pages.ts";
import { linksOf } from "../../docs/links.ts";
import { assertProblem } from "../../support/problem.ts";
import { raw, testService } from "../../support/test-service.ts";

const root = new URL("../../../", import.meta.url);

describe("the pages that the service serves", () => {
  test("llms.txt and each page that it lists come as they stand in the repository", async (t) => {
    const { url } = await testService(t);
    const list = await fetch(`${url}/llms.txt`);
    assert.equal(list.headers.get("content-type"), "text/plain; charset=utf-8");
    const listed = linksOf(await list.text()).map(({ target }) => target);
    assert.ok(listed.length > 15);
    for (const path of [...listed, "docs/specs/rfc9700.md", "docs/decisions/0002-keeper-process.md"]) {
      const page = await fetch(`${url}/${path}`);
      assert.equal(page.status, 200, path);
      assert.equal(page.headers.get("content-type"), "text/markdown; charset=utf-8", path);
      const kept = path === "docs/errors.md" ? "no-store" : "public, max-age=300";
      assert.equal(page.headers.get("cache-control"), kept, path);
      assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'none'/, path);
      assert.equal(page.headers.get("x-content-type-options"), "nosniff", path);
      assert.equal(await page.text(), readFileSync(new URL(path, root), "utf8"), path);
    }
  });

  test("every page of docs/ is served, and nothing but pages", () => {
    assert.ok(pages.size > 50);
    assert.deepEqual(
      [...pages.keys()].filter((path) => !/^(?:llms\.txt|[A-Z]+\.md|docs\/(?:[\w-]+\/)?[\w-]+\.md)$/.test(path)),
      [],
    );
  });

  for (const path of [
    "/docs/",
    "/docs",
    "/docs/nothing.md",
    "/docs/library",
    "/docs/library.md/",
    "/docs/LIBRARY.MD",
    "/docs//library.md",
    "/docs/package.json",
    "/docs/__proto__",
    "/docs/constructor",
    "/docs/..%2fpackage.json",
    "/docs/%2e%2e/package.json",
    "/docs/../package.json",
    "/docs/..%5c..%5cetc/passwd",
    "/docs/../../../../etc/passwd",
    "/docs/library.md%00",
    "/docs/%252e%252e/package.json",
    "/package.json",
    "/NOTHING.md",
    "/llms.txt/",
    "/llms-full.txt",
  ]) {
    test(`no file but a page is found at ${path}`, async (t) => {
      const { url } = await testService(t);
      // By hand: fetch would take the dots away.
      const [answer] = await raw(url, `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);
      assert.ok(answer !== undefined && [400, 404].includes(answer.status), `${answer?.status}`);
    });
  }

  test("a page is read, and nothing else can be done with it", async (t) => {
    const { url } = await testService(t);
    const head = await fetch(`${url}/docs/library.md`, { method: "HEAD" });
    assert.deepEqual([head.status, await head.text()], [200, ""]);
    await assertProblem(await fetch(`${url}/docs/library.md`, { method: "POST" }), "method_not_allowed");
    await assertProblem(await fetch(`${url}/llms.txt`, { method: "DELETE" }), "method_not_allowed");
    await assertProblem(await fetch(`${url}/docs/library.md?format=html`), "invalid_request");
    await assertProblem(await fetch(`${url}/docs/nothing.md`), "not_found");
  });
});
