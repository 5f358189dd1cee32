import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { startServer } from "../../../../src/service/index.ts";
import { outcomes } from "../../../support/test-vault.ts";
import { tokenEndpointFor } from "../../../support/token-endpoint.ts";
import type { TokenEndpoint } from "../../../support/token-endpoint.ts";

/** Asks, and gives the token in the answer. */
async function tokenOf({ ask }: Pick<TokenEndpoint, "ask">): Promise<string> {
  const answer = await ask();
  const body = (await answer.json()) as { readonly access_token?: string };
  assert.equal(answer.status, 200, JSON.stringify(body));
  return body.access_token ?? "";
}

async function here(t: TestContext): Promise<TokenEndpoint> {
  const endpoint = await tokenEndpointFor(t);
  endpoint.fixture.newRequests();
  return endpoint;
}

describe("a client that comes back to the token endpoint", () => {
  test("a client that comes back before the end of its token gets another one, and twenty of them the same", async (t) => {
    const endpoint = await here(t);
    const first = await tokenOf(endpoint);
    assert.equal(await tokenOf(endpoint), first, "a program that began at the same moment");
    endpoint.fixture.clock.advance(60_000);
    const next = await Promise.all(Array.from({ length: 20 }, () => tokenOf(endpoint)));
    assert.deepEqual([new Set(next).size, next.includes(first)], [1, false]);
    assert.deepEqual(outcomes(endpoint.fixture.newRequests()), { refreshed: 1 });
  });

  test("each handle is looked at by itself: whoever is given a token for the first time has not come back", async (t) => {
    const endpoint = await here(t);
    const first = await tokenOf(endpoint);
    const other = await endpoint.newHandle();
    endpoint.fixture.clock.advance(60_000);
    const answer = await endpoint.ask({ refresh_token: other.secret });
    assert.equal(((await answer.json()) as { readonly access_token: string }).access_token, first);
    assert.deepEqual(outcomes(endpoint.fixture.newRequests()), {});
  });

  for (const [name, fault] of [
    ["the provider is away", { status: 503, times: 9 }],
    ["the provider says to wait", { status: 429, times: 9, retryAfter: 60 }],
  ] as const) {
    test(`the token that lives is given again while ${name}: that it was refused is a guess`, async (t) => {
      const endpoint = await here(t);
      const first = await tokenOf(endpoint);
      endpoint.fixture.clock.advance(60_000);
      endpoint.fixture.standin.fault("POST", "/token", fault);
      assert.equal(await tokenOf(endpoint), first);
      assert.equal(await tokenOf(endpoint), first);
      assert.equal(endpoint.fixture.newRequests().length, 1);
    });
  }

  test("a token of a grant without a refresh token does not end because a client came back for it", async (t) => {
    const endpoint = await here(t);
    const { vault, fixture, client } = endpoint;
    const code = fixture.standin.code({ kind: "popup", email: "online@example.com", accessType: "online" });
    const grant = await vault.exchangeCode({ code, source: "web-popup" });
    assert.equal(grant.offline, false);
    const { secret } = await vault.handles.create(
      { grantId: grant.grantId },
      { name: "online", forCaller: client.name },
    );
    const ask = (): Promise<Response> => endpoint.ask({ refresh_token: secret.expose() });
    const first = await tokenOf({ ask });
    fixture.clock.advance(60_000);
    assert.equal(await tokenOf({ ask }), first);
    assert.equal((await vault.grant({ grantId: grant.grantId })).state, "active");
  });

  test("on one connection, a request follows the answer before it: whoever comes back there was refused a moment ago", async (t) => {
    const endpoint = await here(t);
    const { vault, client, secret, fixture } = endpoint;
    const server = await startServer(vault, { port: 0 });
    t.after(() => server.close());
    const body = new URLSearchParams({
      grant_type: "refresh_token",
      refresh_token: secret,
      client_id: client.name,
      client_secret: client.key,
    });
    const ask = (): Promise<Response> => fetch(`${server.url}/oauth/token`, { method: "POST", body });
    const together = await Promise.all(Array.from({ length: 20 }, () => tokenOf({ ask })));
    assert.equal(new Set(together).size, 1);
    assert.deepEqual(outcomes(fixture.newRequests()), {});
    // Twenty connections are open, and each was used for this token.
    assert.notEqual(await tokenOf({ ask }), together[0]);
    assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 1 });
  });

  test("a client gets a token that lives longer than the margin by which libraries replace theirs", async (t) => {
    const endpoint = await here(t);
    const first = await tokenOf(endpoint);
    endpoint.fixture.clock.advance(3_300_000);
    const other = await endpoint.newHandle();
    const answer = await endpoint.ask({ refresh_token: other.secret });
    const { access_token: token, expires_in: seconds } = (await answer.json()) as {
      readonly access_token: string;
      readonly expires_in: number;
    };
    assert.notEqual(token, first);
    assert.ok(seconds > 3_000, String(seconds));
  });
});
