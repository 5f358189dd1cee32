import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from "@modelcontextprotocol/client";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { startStandin } from "../../../src/standin/index.ts";
import { agree, App } from "./app.ts";

const named = { name: "notes", version: "1.0.0" };

/** Connects as the SDK's documentation does: once to be told to ask the person, and again with what came back. */
async function connected(server: string, app: App, untick: readonly string[] = []): Promise<Client> {
  const first = new StreamableHTTPClientTransport(new URL(server), { authProvider: app });
  await assert.rejects(new Client(named).connect(first), UnauthorizedError);
  const answer = await agree(app.sentTo, untick);
  await first.finishAuth(answer.get("code") ?? "");
  const client = new Client(named);
  await client.connect(new StreamableHTTPClientTransport(new URL(server), { authProvider: app }));
  return client;
}

describe("the SDK's client at the kind mcp", () => {
  for (const method of ["none", "client_secret_basic", "client_secret_post"]) {
    test(`the SDK's client finds the server from its URL, registers for ${method}, connects and calls tools`, async () => {
      await using standin = await startStandin({ kind: "mcp" });
      const app = new App({ token_endpoint_auth_method: method });
      const client = await connected(standin.server, app);
      const { tools } = await client.listTools();
      assert.deepEqual(
        tools.map(({ name }) => name),
        ["whoami", "add"],
      );
      const who = await client.callTool({ name: "whoami" });
      assert.deepEqual(who.structuredContent, {
        id: 583_231,
        login: "ada",
        email: "ada@example.com",
        client_id: app.information?.client_id,
        scope: "mcp:whoami mcp:add",
      });
      const sum = await client.callTool({ name: "add", arguments: { a: 2, b: 40 } });
      assert.deepEqual(sum.structuredContent, { sum: 42 });
      assert.deepEqual(app.sentTo?.searchParams.get("resource"), standin.server);
      await client.close();
    });
  }

  test("the SDK's client refreshes an access token that has ended, and keeps the new refresh token", async () => {
    await using standin = await startStandin({ kind: "mcp" });
    const app = new App();
    const client = await connected(standin.server, app);
    const before = app.kept;
    standin.advance(3_601_000);
    assert.deepEqual((await client.callTool({ name: "add", arguments: { a: 1, b: 1 } })).structuredContent, { sum: 2 });
    assert.notEqual(app.kept?.refresh_token, before?.refresh_token);
    assert.equal(standin.log().counts["refreshed"], 1);
    await client.close();
  });

  test("the SDK's client asks the person for more where a box was left unticked", async () => {
    await using standin = await startStandin({ kind: "mcp" });
    const app = new App();
    const client = await connected(standin.server, app, ["mcp:add"]);
    assert.ok((await client.callTool({ name: "whoami" })).structuredContent);
    const scope = app.kept?.scope;
    assert.equal(scope, "mcp:whoami");
    // A refresh cannot bring more, so that the app must forget the refresh token to ask the person.
    app.kept = {
      ...app.kept,
      access_token: app.kept?.access_token ?? "",
      token_type: "Bearer",
      refresh_token: undefined,
    };
    await assert.rejects(client.callTool({ name: "add", arguments: { a: 1, b: 1 } }), UnauthorizedError);
    assert.equal(app.sentTo?.searchParams.get("scope"), "mcp:whoami mcp:add");
    assert.equal(standin.log().counts["insufficient_scope"], 1);
    await client.close();
  });
});

describe("the SDK's client of the revision 2026-07-28 at the kind mcp", () => {
  for (const mode of ["auto", "legacy"] as const) {
    test(`the SDK's client of the revision 2026-07-28, in the mode ${mode}, registers, connects and calls tools`, async () => {
      await using standin = await startStandin({ kind: "mcp" });
      const app = new App();
      const options = { authProvider: app as never };
      const first = new Transport2(new URL(standin.server), options);
      await assert.rejects(new Client2(named, { versionNegotiation: { mode } }).connect(first), /[Uu]nauthorized/);
      await first.finishAuth(await agree(app.sentTo));
      const client = new Client2(named, { versionNegotiation: { mode } });
      await client.connect(new Transport2(new URL(standin.server), options));
      assert.deepEqual(
        (await client.listTools()).tools.map(({ name }) => name),
        ["whoami", "add"],
      );
      const sum = await client.callTool({ name: "add", arguments: { a: 2, b: 40 } });
      assert.deepEqual(sum.structuredContent, { sum: 42 });
      assert.equal(client.getNegotiatedProtocolVersion(), mode === "auto" ? "2026-07-28" : "2025-11-25");
      await client.close();
    });
  }
});
