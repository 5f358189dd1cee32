import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import type { TestContext } from "node:test";
import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { EventStore } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { LoggingMessageNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { mcpServer } from "../../../src/index.ts";
import { startStandin } from "../../../src/standin/index.ts";
import { challengeOf, verifier } from "../../standin/oauth2/talk.ts";
import { eventually } from "../../support/eventually.ts";
import { testService } from "../../support/test-service.ts";
import { sharedStandin, testVault } from "../../support/test-vault.ts";
import type { SharedStandin } from "../../support/test-vault.ts";

const named = { name: "notes", version: "1.0.0" };
const redirectUri = "http://127.0.0.1:8787/connect/callback";

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

/** A caller without the permission `token`, and one with it: of the first one, every answer is looked through. */
const callers = { "that sees no token": ["proxy"], "with every byte as it came": ["proxy", "token"] } as const;

interface Sdk {
  connect(address: string, key: string): Promise<SdkClient>;
}

/** What both SDKs' clients have in common. */
interface SdkClient {
  call(name: string, given?: Record<string, unknown>): Promise<unknown>;
  readonly notes: unknown[];
  close(): Promise<void>;
}

const sdks: Readonly<Record<string, Sdk>> = {
  "SDK 1": {
    async connect(address, key) {
      const requestInit = { headers: { authorization: `Bearer ${key}` } };
      const client = new Client(named);
      const notes: unknown[] = [];
      client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void notes.push(params.data));
      const reconnectionOptions = {
        initialReconnectionDelay: 10,
        maxReconnectionDelay: 50,
        reconnectionDelayGrowFactor: 1,
        maxRetries: 50,
      };
      await client.connect(new StreamableHTTPClientTransport(new URL(address), { requestInit, reconnectionOptions }));
      const call = async (name: string, given: Record<string, unknown> = {}): Promise<unknown> =>
        (await client.callTool({ name, arguments: given })).structuredContent;
      return { call, notes, close: () => client.close() };
    },
  },
  "SDK 2": {
    async connect(address, key) {
      const requestInit = { headers: { authorization: `Bearer ${key}` } };
      const client = new Client2(named, { versionNegotiation: { mode: "auto" } });
      const notes: unknown[] = [];
      client.setNotificationHandler("notifications/message", ({ params }) => void notes.push(params.data));
      const reconnectionOptions = {
        initialReconnectionDelay: 10,
        maxReconnectionDelay: 50,
        reconnectionDelayGrowFactor: 1,
        maxRetries: 50,
      };
      await client.connect(new Transport2(new URL(address), { requestInit, reconnectionOptions }));
      const call = async (name: string, given: Record<string, unknown> = {}): Promise<unknown> =>
        (await client.callTool({ name, arguments: given })).structuredContent;
      return { call, notes, close: () => client.close() };
    },
  },
};

/** Keeps events in the order in which they came. The SDK's own example loses those of the same millisecond. */
function keptEvents(): EventStore {
  const events: { readonly streamId: string; readonly message: Parameters<EventStore["storeEvent"]>[1] }[] = [];
  return {
    storeEvent: async (streamId, message) => String(events.push({ streamId, message })),
    async replayEventsAfter(lastEventId, { send }) {
      const last = Number(lastEventId);
      const streamId = events[last - 1]?.streamId ?? "";
      for (const [at, event] of events.entries()) {
        const isMissed = at >= last && event.streamId === streamId && "jsonrpc" in event.message;
        if (isMissed) await send(String(at + 1), event.message);
      }
      return streamId;
    },
  };
}

/** A server of the SDK itself, with sessions and streams of events, that takes one token at a time. */
async function eventServer(t: TestContext): Promise<{
  readonly url: string;
  readonly asked: { readonly method: string; readonly headers: IncomingHttpHeaders }[];
  /** Sends a notification over the stream that each client keeps open. */
  notify(data: unknown): Promise<void>;
  /** Cuts every stream of events, as a server that is restarted behind a balancer does. */
  cut(): void;
}> {
  const sessions = new Map<string, { transport: StreamableHTTPServerTransport; server: McpServer }>();
  const asked: { method: string; headers: IncomingHttpHeaders }[] = [];
  const open = async (): Promise<StreamableHTTPServerTransport> => {
    const server = new McpServer(named, { capabilities: { logging: {} } });
    server.registerTool("count", { description: "Counts aloud." }, async ({ sendNotification, closeSSEStream }) => {
      for (let n = 1; n <= 5; n++) {
        await sendNotification({ method: "notifications/message", params: { level: "info", data: n } });
        // The client comes back with the id of the last event that it has seen.
        if (n === 3) closeSSEStream?.();
      }
      return { content: [], structuredContent: { counted: 5 } };
    });
    const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: keptEvents(),
      retryInterval: 10,
      onsessioninitialized: (id) => void sessions.set(id, { transport, server }),
    });
    await server.connect(transport);
    return transport;
  };
  const http = createServer((request, response) => {
    asked.push({ method: request.method ?? "", headers: request.headers });
    if (request.headers.authorization?.startsWith("Bearer ya29.") !== true) {
      response.writeHead(401, { "www-authenticate": 'Bearer error="invalid_token"' }).end();
      return;
    }
    const known = sessions.get(String(request.headers["mcp-session-id"] ?? ""));
    void (known === undefined ? open() : Promise.resolve(known.transport)).then((transport) =>
      transport.handleRequest(request, response),
    );
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    http.closeAllConnections();
    http.close();
  });
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    asked,
    async notify(data) {
      for (const { server } of sessions.values()) await server.sendLoggingMessage({ level: "info", data });
    },
    cut: () => {
      for (const { transport } of sessions.values()) transport.closeStandaloneSSEStream();
    },
  };
}

for (const [sdk, { connect }] of Object.entries(sdks)) {
  describe(`the client of ${sdk}, unmodified, with nothing but a caller's key`, () => {
    test(`${sdk} calls the tools of an MCP server through the proxy, and goes on when the token has ended`, async (t) => {
      const { fixture, server, vault, key } = await throughProxy(t);
      const address = `${server.url}/v1/grants/ext:user-1/proxy/127.0.0.1/mcp`;
      const client = await connect(address, key);
      assert.deepEqual(await client.call("add", { a: 2, b: 40 }), { sum: 42 });
      const who = (await client.call("whoami")) as { login: string };
      assert.equal(who.login, "ada");
      fixture.advance(3_700_000);
      assert.deepEqual(await client.call("add", { a: 1, b: 1 }), { sum: 2 });
      assert.equal(fixture.log().counts["refreshed"], 1);
      await client.close();
      const withPort = `${server.url}/v1/grants/ext:user-1/proxy/${new URL(fixture.server).host}/mcp`;
      const second = await connect(withPort, key);
      assert.deepEqual(await second.call("add", { a: 1, b: 2 }), { sum: 3 });
      await second.close();
      await vault.revoke({ externalId: "user-1" });
      await assert.rejects(connect(address, key));
    });

    for (const [whose, allow] of Object.entries(callers)) {
      test(`${sdk} gets notifications as they come, and those that it has missed, for a caller ${whose}`, async (t) => {
        const api = await eventServer(t);
        const { provider } = await testVault(t, { shared });
        const record = { ...provider, apiBaseUrl: api.url, forwardHeaders: ["mcp-*", "last-event-id"] };
        const service = await testService(t, { shared, vault: { provider: record } });
        const { grantId } = await service.grant();
        const key = await service.keyFor(...allow);
        const client = await connect(`${service.url}/v1/grants/${grantId}/proxy/www.googleapis.com/mcp`, key);
        assert.deepEqual(await client.call("count"), { counted: 5 });
        assert.deepEqual(
          await eventually(
            () => client.notes,
            (notes) => notes.length === 5,
          ),
          [1, 2, 3, 4, 5],
        );
        const resumed = api.asked.filter(({ headers }) => headers["last-event-id"] !== undefined);
        assert.ok(resumed.length > 0, "the stream was cut in the middle, and resumed");
        // The stream that a client keeps open for what nobody has asked for.
        await eventually(
          () => api.asked.filter(({ method }) => method === "GET").length,
          (count) => count >= 2,
        );
        await api.notify("one");
        await eventually(
          () => client.notes,
          (notes) => notes.includes("one"),
        );
        api.cut();
        await api.notify("two");
        await eventually(
          () => client.notes,
          (notes) => notes.includes("two"),
        );
        assert.ok(api.asked.every(({ headers }) => headers.authorization?.startsWith("Bearer ya29.")));
        assert.equal(service.faults.length, 0);
        await client.close();
      });
    }
  });
}

/** A service in front of the stand-in for an MCP server, with a grant of Ada's. */
async function throughProxy(t: TestContext) {
  const { fixture: google } = await testService(t);
  const standin = await startStandin({ kind: "mcp", clock: google.clock });
  t.after(() => standin.close());
  const provider = mcpServer({ name: "tools", server: standin.server, clientName: "Notes", redirectUri });
  const service = await testService(t, {
    vault: { providers: [provider], provider: undefined, clock: google.clock } as never,
  });
  const signIn = { redirectUri, codeVerifier: verifier, externalId: "user-1", source: "web-redirect" } as const;
  await assert.rejects(service.vault.exchangeCode({ ...signIn, code: "never-issued" }), { code: "code_rejected" });
  const [{ clientId } = { clientId: "" }] = service.vault.providers;
  const code = standin.code({
    email: "ada@example.com",
    clientId,
    redirectUri,
    codeChallenge: challengeOf(verifier),
    resource: standin.server,
  });
  await service.vault.exchangeCode({ ...signIn, code });
  return { fixture: standin, server: service, vault: service.vault, key: await service.keyFor("proxy") };
}
