import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startStandin } from "../../../src/standin/index.ts";
import { call, control, json } from "../talk.ts";
import { exchange, granted, provider, refresh } from "./talk.ts";

describe("the control routes of the kind oauth2", () => {
  test("the control routes of the kind oauth2 issue codes, place faults, move the clock, and revoke", async () => {
    await using standin = await provider();
    const issued = await control(standin, "code", { email: "new.person@example.com", scope: "read" });
    assert.deepEqual([issued.body["scope"], issued.body["login"]], ["read", "new-person"]);
    const { body } = await exchange(standin, String(issued.body["code"]));
    await control(standin, "faults", { path: "/token", status: 503 });
    assert.equal((await refresh(standin, body["refresh_token"])).status, 503);
    const moved = await control(standin, "clock", { advance_seconds: 3_601 });
    assert.equal(moved.body["now"], new Date(standin.now()).toISOString());
    assert.equal((await call(standin, "/user", String(body["access_token"]))).status, 401);
    const settings = await control(standin, "settings", { rotation: "none", expires_in: "none" });
    assert.deepEqual([settings.body["rotation"], settings.body["expires_in"]], ["none", "none"]);
    assert.equal((await control(standin, "revoke", { email: "new.person@example.com" })).body["revoked"], 1);
    const log = await json(await fetch(`${standin.url}/standin/log?since=0`));
    const entries = log.body["entries"] as { outcome: string }[];
    assert.deepEqual(
      entries.map(({ outcome }) => outcome),
      ["exchanged", "fault", "unauthorized"],
    );
  });

  test("the log of the kind oauth2 shortens secrets, and names family, generation and grant", async () => {
    await using standin = await provider();
    const first = await granted(standin);
    await refresh(standin, first["refresh_token"]);
    const entry = standin.log().entries.at(-1);
    assert.deepEqual(
      [entry?.outcome, entry?.grant, entry?.client_id, entry?.generation],
      ["refreshed", "ada@example.com", standin.clientId, 0],
    );
    assert.match(entry?.parameters["refresh_token"] ?? "", /^rt-.{3}…$/);
    const text = JSON.stringify(standin.log());
    for (const secret of [first["access_token"], first["refresh_token"], standin.clientSecret]) {
      assert.equal(text.includes(String(secret)), false);
    }
  });

  test("the control routes of the kind oauth2 name what is misspelt, and have nothing of Google", async () => {
    await using standin = await provider();
    const wrong = [
      ["settings", { expires_in: "never" }],
      ["settings", { id_token_flaw: null }],
      ["code", { email: "nobody" }],
      ["code", { email: "a@b", kind: "native" }],
      ["code", { email: "a@b", redirect_uri: "https://evil.example/" }],
      ["code", { email: "a@b", client_id: "nobody" }],
      ["clients", { jwks: [] }],
      ["clients", { token_endpoint_auth_method: "client_secret_jwt" }],
      ["people", { email: "a@b", refusal: null }],
      ["revoke", { email: "nobody@example.com" }],
    ] as const;
    for (const [path, body] of wrong)
      assert.deepEqual([path, body, (await control(standin, path, body)).status], [path, body, 400]);
    for (const path of ["/standin/risc", "/standin/keys", "/drive/v3/files", "/.well-known/openid-configuration"]) {
      assert.equal((await fetch(standin.url + path, { method: "POST" })).status, 404, path);
    }
  });

  test("startStandin refuses a kind that there is not, and settings of another kind", async () => {
    await assert.rejects(startStandin({ kind: "saml" as never }), /kind must be one of/);
    await assert.rejects(startStandin({ kind: "oauth2", testingMode: true } as never), /unknown member "testingMode"/);
    await assert.rejects(startStandin({ tokenAnswer: "form" } as never), /unknown member "tokenAnswer"/);
  });
});
