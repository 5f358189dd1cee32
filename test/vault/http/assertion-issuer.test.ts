import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decodeJwt } from "jose";
import { service } from "../../../src/service/index.ts";
import { rawRequest, testService } from "../../support/test-service.ts";
import { testVault } from "../../support/test-vault.ts";

const posted = { "x-requested-with": "XMLHttpRequest", "content-type": "application/x-www-form-urlencoded" };

/** Addresses as a `Host` header makes them, and who may sign for each where no setting says who we are. */
const hosts: readonly (readonly [name: string, url: string, issuer: string | undefined])[] = [
  ["this machine", "http://localhost:8080", "http://localhost:8080"],
  ["this machine's address", "http://127.0.0.1:3000", "http://127.0.0.1:3000"],
  ["another address of this machine", "http://127.9.9.9", "http://127.9.9.9"],
  ["this machine's address in IPv6", "http://[::1]:3000", "http://[::1]:3000"],
  ["somebody's domain", "https://evil.example", undefined],
  ["somebody's domain that begins like this machine", "https://localhost.evil.example", undefined],
  ["somebody's domain that ends like this machine", "https://evil.localhost", undefined],
  ["an address in somebody's domain", "https://127.0.0.1.evil.example", undefined],
  ["an address of the network", "http://10.0.0.5:3000", undefined],
  ["this machine by a name with a dot", "http://localhost.:3000", undefined],
];

const claimsOf = (assertion: unknown): unknown[] => {
  if (assertion === undefined) return [undefined, undefined];
  const { iss, aud } = decodeJwt(assertion as string);
  return [iss, aud];
};

describe("in whose name a sign-in assertion is signed", () => {
  for (const [name, url, issuer] of hosts) {
    for (const [mounted, isService] of [
      ["the code handler", false],
      ["the service as a handler", true],
    ] as const) {
      test(`${mounted} without publicUrl signs for ${name}: ${issuer ?? "nobody"}`, async (t) => {
        const fixture = await testVault(t);
        const vault = await fixture.open();
        t.mock.method(process, "emitWarning", () => undefined);
        const handle = isService ? service(vault) : vault.authCodeHandler();
        const body = new URLSearchParams({ authCode: fixture.code("ada@example.com") });
        const answer = await handle(new Request(`${url}/authcode`, { method: "POST", headers: posted, body }));
        const consent = (await answer.json()) as Record<string, unknown>;
        assert.deepEqual([answer.status, consent["email"]], [200, "ada@example.com"]);
        assert.deepEqual(claimsOf(consent["sign_in_assertion"]), [issuer, issuer]);
      });
    }
  }

  test("a handler that leaves the assertion out warns once, and says what is missing", async (t) => {
    const fixture = await testVault(t);
    const vault = await fixture.open();
    const warned = t.mock.method(process, "emitWarning", () => undefined);
    const handle = vault.authCodeHandler();
    for (let times = 0; times < 3; times++) {
      const body = new URLSearchParams({ authCode: fixture.code("ada@example.com") });
      await handle(new Request("https://app.example/authcode", { method: "POST", headers: posted, body }));
    }
    assert.equal(warned.mock.callCount(), 1);
    assert.match(JSON.stringify(warned.mock.calls[0]?.arguments), /publicUrl/);
  });

  test("with publicUrl the host of a request changes nothing", async (t) => {
    const fixture = await testVault(t);
    const vault = await fixture.open();
    const handle = vault.authCodeHandler({ publicUrl: "https://vault.example.com" });
    const body = new URLSearchParams({ authCode: fixture.code("ada@example.com") });
    const answer = await handle(new Request("http://localhost/authcode", { method: "POST", headers: posted, body }));
    const { sign_in_assertion: assertion } = (await answer.json()) as Record<string, unknown>;
    assert.deepEqual(claimsOf(assertion), ["https://vault.example.com", "https://vault.example.com"]);
  });

  for (const host of ["localhost", "localhost:1", "evil.localhost:8787", "127.0.0.1:1", "127.3.3.3", "x"]) {
    test(`a server without a public URL signs as the address that it listens at, whatever Host says: ${host}`, async (t) => {
      const { url, fixture } = await testService(t);
      const query = new URLSearchParams({ authCode: fixture.code("ada@example.com") });
      const headers = { ...posted, host, "content-length": String(query.toString().length) };
      const { status, body } = await rawRequest(url, "/authcode", { method: "POST", headers, body: query.toString() });
      assert.equal(status, 200, body);
      const { sign_in_assertion: assertion } = JSON.parse(body) as Record<string, unknown>;
      assert.deepEqual(claimsOf(assertion), [url, url]);
    });
  }
});
