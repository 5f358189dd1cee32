import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { TestContext } from "node:test";
import { basicOf, oauthError, tokenEndpointFor, tokenIn } from "../../../support/token-endpoint.ts";
import type { TokenEndpoint } from "../../../support/token-endpoint.ts";
import { sharedStandin } from "../../../support/test-vault.ts";
import type { SharedStandin } from "../../../support/test-vault.ts";

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

const here = (t: TestContext): Promise<TokenEndpoint> => tokenEndpointFor(t, shared);
const base64 = (text: string): string => Buffer.from(text).toString("base64");
/** Every character that is no letter or digit, as some libraries encode them. */
const encoded = (text: string): string =>
  text.replaceAll(/[^A-Za-z0-9]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

describe("how a client says who it is", () => {
  test("a caller is a client by its name or its id, by HTTP Basic or in the body, encoded or not", async (t) => {
    const { client, secret, send } = await here(t);
    const usual = { grant_type: "refresh_token", refresh_token: secret };
    const { name, callerId, key } = client;
    let asked = 0;
    for (const id of [name, callerId]) {
      for (const authorization of [
        `Basic ${base64(`${id}:${key}`)}`,
        `basic  ${base64(`${id}:${key}`)}`,
        `BASIC ${base64(`${encoded(id)}:${encoded(key)}`)}`,
        `Basic ${base64(`${id}:${encoded(key)}`).replace(/=+$/, "")}`,
        `Basic ${Buffer.from(`${encoded(id)}:${key}`).toString("base64url")}`,
      ]) {
        await tokenIn(await send(new URLSearchParams(usual), { authorization }));
        await tokenIn(await send(new URLSearchParams({ ...usual, client_id: id }), { authorization }));
        await tokenIn(await send(new URLSearchParams({ ...usual, client_secret: key }), { authorization }));
        asked += 3;
      }
      const inBody = { ...usual, client_id: id, client_secret: key };
      await tokenIn(await send(new URLSearchParams(inBody)));
      await tokenIn(await send(JSON.stringify(inBody), { "content-type": "application/json" }));
      asked += 2;
    }
    assert.equal(asked, 34);
  });

  test("whatever is wrong with a client is one answer: 401 invalid_client, that names HTTP Basic", async (t) => {
    const { client, newClient, secret, send, vault } = await here(t);
    const other = await newClient();
    const ended = await newClient();
    await vault.callers.revoke(ended.name);
    const { name, key } = client;
    const damaged = `${key.slice(0, -1)}${key.endsWith("0") ? "1" : "0"}`;
    const texts = new Set<string>();
    for (const authorization of [
      basicOf(ended),
      basicOf({ name: other.name, key }),
      basicOf({ name: "nobody", key }),
      basicOf({ name, key: other.key }),
      basicOf({ name, key: damaged }),
      basicOf({ name, key: "obk_" }),
      basicOf({ name, key: "a secret of another kind" }),
      basicOf({ name, key: secret }),
      `Basic ${base64(name)}`,
      `Basic ${base64(`${name}:`)}`,
      `Basic ${base64(`:${key}`)}`,
    ]) {
      const response = await send(new URLSearchParams({ grant_type: "refresh_token", refresh_token: secret }), {
        authorization,
      });
      assert.equal(response.headers.get("www-authenticate"), 'Basic realm="onbehalf", charset="UTF-8"');
      texts.add(await oauthError(response, "invalid_client", 401));
    }
    assert.equal(texts.size, 1);
  });

  for (const [what, fields, authorization] of [
    ["no client at all", {}, undefined],
    ["a client without a secret", { client_id: "name" }, undefined],
    ["a secret without a client", { client_secret: "key" }, undefined],
    ["an empty secret", { client_id: "name", client_secret: "" }, undefined],
    ["a bearer key", {}, (key: string) => `Bearer ${key}`],
    ["a scheme that nobody knows", {}, (key: string) => `Digest ${key}`],
    ["Basic credentials that are no base64", {}, () => "Basic {}"],
    ["Basic without credentials", {}, () => "Basic"],
  ] as const) {
    test(`a request with ${what} is invalid_client`, async (t) => {
      const { client, secret, send } = await here(t);
      const named = Object.fromEntries(
        Object.entries(fields).map(([field, value]) => [
          field,
          value === "name" ? client.name : value === "key" ? client.key : value,
        ]),
      );
      const response = await send(
        new URLSearchParams({ grant_type: "refresh_token", refresh_token: secret, ...named }),
        authorization === undefined ? {} : { authorization: authorization(client.key) },
      );
      const says = await oauthError(response, "invalid_client", 401);
      assert.ok(!says.includes(client.key));
    });
  }

  test("a client that the header and the body name differently is refused, and neither is believed", async (t) => {
    const { client, newClient, secret, send } = await here(t);
    const other = await newClient();
    const usual = { grant_type: "refresh_token", refresh_token: secret };
    for (const fields of [
      { client_id: other.name },
      { client_id: client.callerId },
      { client_secret: other.key },
      { client_id: other.name, client_secret: other.key },
    ]) {
      const response = await send(new URLSearchParams({ ...usual, ...fields }), { authorization: basicOf(client) });
      assert.match(await oauthError(response, "invalid_request"), /another than the one in the body/);
    }
  });

  test("a caller without the permission token is unauthorized_client, and the description names the permission", async (t) => {
    const { ask, newClient } = await here(t);
    const client = await newClient({ allow: ["grants:read", "proxy"] });
    assert.match(await oauthError(await ask({}, client), "unauthorized_client"), /permission token/);
  });
});
