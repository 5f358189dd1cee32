import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { TestContext } from "node:test";
import { service } from "../../../../src/service/index.ts";
import { sqlite } from "../../../../src/store/sqlite/index.ts";
import { basicOf, endpointOver, oauthError, tokenEndpointFor, tokenIn } from "../../../support/token-endpoint.ts";
import type { TokenEndpoint } from "../../../support/token-endpoint.ts";
import { sharedStandin, testVault } from "../../../support/test-vault.ts";
import type { SharedStandin } from "../../../support/test-vault.ts";

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

const here = (t: TestContext): Promise<TokenEndpoint> => tokenEndpointFor(t, shared);

describe("requests to the token endpoint", () => {
  for (const [what, fields, error, says] of [
    ["no grant type", { grant_type: "" }, "invalid_request", /grant_type is missing/],
    [
      "a grant type that it does not have",
      { grant_type: "client_credentials" },
      "unsupported_grant_type",
      /grant_type/,
    ],
    ["the grant type in capitals", { grant_type: "REFRESH_TOKEN" }, "unsupported_grant_type", /grant_type/],
    ["no handle", { refresh_token: "" }, "invalid_request", /refresh_token is missing/],
    ["a provider's refresh token", { refresh_token: "1//0never-issued" }, "invalid_grant", /must be a handle/],
    ["a handle in capitals", { refresh_token: "UPPER" }, "invalid_grant", /must be a handle/],
    ["a handle that was cut", { refresh_token: "CUT" }, "invalid_grant", /must be a handle/],
    ["a handle with white space", { refresh_token: "SPACE" }, "invalid_grant", /must be a handle/],
  ] as const) {
    test(`the token endpoint answers ${what} with ${error}`, async (t) => {
      const { ask, secret } = await here(t);
      const texts = { UPPER: secret.toUpperCase(), CUT: secret.slice(0, -1), SPACE: `${secret} ` };
      const sent = Object.fromEntries(
        Object.entries(fields).map(([name, value]) => [name, texts[value as keyof typeof texts] ?? value]),
      );
      const description = await oauthError(await ask(sent), error);
      assert.match(description, says);
      assert.ok(!description.includes("1//0never-issued"));
    });
  }

  test("parameters that the token endpoint does not know are ignored, whatever they hold", async (t) => {
    const { ask, client, secret, send } = await here(t);
    await tokenIn(await ask({ audience_hint: "x", "": "y", access_type: "offline" }));
    const body = { grant_type: "refresh_token", refresh_token: secret, more: { deep: [1] }, other: null };
    await tokenIn(
      await send(JSON.stringify(body), { authorization: basicOf(client), "content-type": "application/json" }),
    );
    await tokenIn(
      await send(
        new URLSearchParams({ grant_type: "refresh_token", refresh_token: secret }),
        { authorization: basicOf(client) },
        "?tenant=1",
      ),
    );
  });

  test("a parameter that comes twice is invalid_request, also where both say the same, in a form and in JSON", async (t) => {
    const { client, secret, send } = await here(t);
    const authorization = basicOf(client);
    const once = `grant_type=refresh_token&refresh_token=${secret}`;
    for (const [name, twice] of [
      ["grant_type", `${once}&grant_type=refresh_token`],
      ["refresh_token", `${once}&refresh_token=${secret}`],
      ["scope", `${once}&scope=&scope=`],
      ["a parameter", `${once}&%0a=1&%0a=2`],
    ] as const) {
      const says = await oauthError(await send(twice, { authorization }), "invalid_request");
      assert.ok(says.startsWith(`${name} was sent more than once`), says);
    }
    const json = `{"grant_type":"refresh_token","refresh_token":"${secret}","grant_type":"refresh_token"}`;
    const response = await send(json, { authorization, "content-type": "application/json" });
    assert.match(await oauthError(response, "invalid_request"), /grant_type was sent more than once/);
  });

  test("what belongs in the body is refused in the address, and not repeated", async (t) => {
    const { client, secret, send } = await here(t);
    const body = new URLSearchParams({ grant_type: "refresh_token", refresh_token: secret });
    for (const [name, value] of [
      ["client_secret", client.key],
      ["refresh_token", secret],
      ["grant_type", "refresh_token"],
      ["client_id", client.name],
    ] as const) {
      const query = `?${new URLSearchParams({ [name]: value }).toString()}`;
      const response = await send(body, { authorization: basicOf(client) }, query);
      const says = await oauthError(response, "invalid_request");
      assert.ok(says.startsWith(`${name} must not be in the address`), says);
      assert.ok(!says.includes(client.key) && !says.includes(secret));
    }
  });

  for (const type of [
    "application/x-www-form-urlencoded;charset=UTF-8",
    "application/x-www-form-urlencoded; charset=iso-8859-1",
    'APPLICATION/X-WWW-FORM-URLENCODED; Charset="utf-8";',
  ]) {
    test(`the token endpoint takes a form of the type ${type}`, async (t) => {
      const { client, secret, send } = await here(t);
      const body = `grant_type=refresh_token&refresh_token=${encodeURIComponent(secret).replaceAll("_", "%5F")}`;
      await tokenIn(await send(body, { authorization: basicOf(client), "content-type": type }));
    });
  }

  test("a body that is no form, too large or not UTF-8 is invalid_request, in the words of OAuth", async (t) => {
    const { client, secret, send } = await here(t);
    const authorization = basicOf(client);
    const usual = `grant_type=refresh_token&refresh_token=${secret}`;
    for (const [body, headers, status] of [
      [usual, { "content-type": "text/plain" }, 400],
      [usual, { "content-type": "application/x-www-form-urlencoded; charset=utf-16" }, 400],
      [usual, { "content-encoding": "gzip" }, 400],
      [`${usual}&x=${"y".repeat(70_000)}`, {}, 413],
      [`${usual}&scope=%ff`, {}, 400],
      ["{", { "content-type": "application/json" }, 400],
      ["[]", { "content-type": "application/json" }, 400],
      [`{"grant_type":["refresh_token"]}`, { "content-type": "application/json" }, 400],
      [Array.from({ length: 300 }, (_, n) => `p${n}=1`).join("&"), {}, 400],
    ] as const) {
      await oauthError(await send(body, { authorization, ...headers }), "invalid_request", status);
    }
  });

  for (const method of ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
    test(`the token endpoint answers ${method} with 405 and the method that it takes`, async (t) => {
      const { vault } = await here(t);
      const response = await service(vault)(new Request("https://vault.example/oauth/token", { method }));
      assert.equal(response.headers.get("allow"), "POST");
      await oauthError(response, "invalid_request", 405);
    });
  }

  test("while the provider does not answer, a living token is given; without one it is 503 with the time to wait", async (t) => {
    const { fixture, ask } = await tokenEndpointFor(t);
    await tokenIn(await ask());
    fixture.standin.fault("POST", "/token", { status: 503, retryAfter: 7, times: 50 });
    fixture.clock.advance(3_500_000);
    await tokenIn(await ask());
    fixture.clock.advance(200_000);
    const response = await ask();
    assert.match(response.headers.get("retry-after") ?? "", /^\d+$/);
    assert.match(await oauthError(response, "temporarily_unavailable", 503), /the grant is as it was/);
  });

  test("where the provider refuses the service's own client it is 503, and never the asking client's fault", async (t) => {
    const { fixture, ask } = await tokenEndpointFor(t);
    fixture.clock.advance(3_700_000);
    fixture.standin.fault("POST", "/token", { status: 401, body: { error: "invalid_client" }, times: 50 });
    await oauthError(await ask(), "temporarily_unavailable", 503);
  });

  test("while the store is down, a handle that was used lately gives the living token; another one is 503", async (t) => {
    const fixture = await testVault(t, { shared });
    const store = sqlite(fixture.path);
    const endpoint = await endpointOver(fixture, await fixture.open({ store }));
    const unused = await endpoint.newHandle();
    await tokenIn(await endpoint.ask());
    await store.close();
    fixture.clock.advance(5_000);
    await tokenIn(await endpoint.ask());
    await oauthError(await endpoint.ask({ refresh_token: unused.secret }), "temporarily_unavailable", 503);
    fixture.clock.advance(900_000);
    await oauthError(await endpoint.ask(), "temporarily_unavailable", 503);
    await store.open({});
    await tokenIn(await endpoint.ask());
  });
});
