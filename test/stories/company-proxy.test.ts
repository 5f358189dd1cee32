import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { movableClock } from "../../src/index.ts";
import { startServiceProcess } from "../faults/service-process.ts";
import { testVault } from "../support/test-vault.ts";

/** A company's proxy that lets nobody through, and what it was asked for. */
async function proxyThatRefuses(t: TestContext): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const proxy = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(403).end();
  });
  proxy.on("connect", (request: IncomingMessage, socket) => {
    asked.push(`CONNECT ${request.url}`);
    socket.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return { url: `http://ada:planted@127.0.0.1:${(proxy.address() as AddressInfo).port}`, asked };
}

describe("behind a company's proxy", () => {
  test("behind a company's proxy the service and its keeper send by it, and say what it does", async (t) => {
    const { url: proxy, asked } = await proxyThatRefuses(t);
    const fixture = await testVault(t, { clock: movableClock() });
    const service = await startServiceProcess(t, fixture, {
      HTTPS_PROXY: proxy,
      ONBEHALF_GOOGLE_BASE_URL: "",
      NO_PROXY: "",
    });
    const response = await fetch(`${service.url}/authcode`, {
      method: "POST",
      headers: { "x-requested-with": "x" },
      body: new URLSearchParams({ authCode: "4/0Anever-issued" }),
    });
    const { error, detail, hint } = (await response.json()) as Record<string, string>;
    assert.equal(error, "provider_unavailable", detail ?? "");
    assert.match(detail ?? "", /the proxy that HTTPS_PROXY names .+ \(proxy_refused\)$/);
    assert.match(hint ?? "", /NO_PROXY/);
    assert.deepEqual([...new Set(asked)], ["CONNECT oauth2.googleapis.com:443"]);
  });

  test("behind a company's proxy a provider on this machine is reached directly", async (t) => {
    const { url: proxy, asked } = await proxyThatRefuses(t);
    const fixture = await testVault(t, { clock: movableClock() });
    const service = await startServiceProcess(t, fixture, { HTTPS_PROXY: proxy, HTTP_PROXY: proxy });
    const response = await fetch(`${service.url}/authcode`, {
      method: "POST",
      headers: { "x-requested-with": "x" },
      body: new URLSearchParams({ authCode: fixture.code("ada@example.com") }),
    });
    assert.equal(response.status, 200, await response.text());
    assert.deepEqual(asked, []);
  });

  test("behind a company's proxy doctor says which way requests go, and what becomes of them", async (t) => {
    const { url: proxy, asked } = await proxyThatRefuses(t);
    const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
    const { NODE_TEST_CONTEXT: _runner, ...inherited } = process.env;
    const env = { ...inherited, https_proxy: proxy, NO_PROXY: "", no_proxy: "", ONBEHALF_STORE: "sqlite::memory:" };
    const output = await new Promise<string>((resolve) => {
      execFile(process.execPath, [main, "doctor", "--json"], { env }, (_error, stdout) => resolve(stdout));
    });
    const { checks } = JSON.parse(output) as {
      checks: { check: string; status: string; message: string; hint?: string }[];
    };
    const of = (name: string): (typeof checks)[number] | undefined => checks.find(({ check }) => check === name);
    assert.equal(of("proxy")?.status, "ok", output);
    assert.match(
      of("proxy")?.message ?? "",
      /^https_proxy names 127\.0\.0\.1:\d+: requests to www\.googleapis\.com go through it$/,
    );
    assert.equal(of("provider")?.status, "fail");
    assert.match(of("provider")?.message ?? "", /PROXY_REFUSED/);
    assert.match(of("provider")?.hint ?? "", /HTTPS_PROXY/);
    assert.ok(!output.includes("planted"));
    assert.deepEqual(asked, ["CONNECT www.googleapis.com:443"]);
  });
});
