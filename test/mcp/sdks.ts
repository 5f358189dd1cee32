import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from "@modelcontextprotocol/client";
import type { OAuthClientProvider as Provider2 } from "@modelcontextprotocol/client";
import type { OAuthClientProvider } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { McpOAuthProvider } from "../../src/mcp/index.ts";
import { named } from "./connected-person.ts";

/** A client of one of the SDKs, as a program uses it. */
export interface SdkClient {
  connect(): Promise<void>;
  list(): Promise<unknown>;
  call(name: string, args?: Record<string, unknown>): Promise<unknown>;
  finishAuth(answer: URLSearchParams): Promise<void>;
  close(): Promise<void>;
}

/** A provider of ours, or one that is compared with it. */
export type AnyProvider = McpOAuthProvider | OAuthClientProvider;

export type Sdk = (server: string, provider: AnyProvider, by?: typeof fetch) => SdkClient;

function sdk1(server: string, provider: AnyProvider, by: typeof fetch = fetch): SdkClient {
  // Assigned as it is: it must fit the SDK's own type.
  const authProvider: OAuthClientProvider = provider;
  const client = new Client(named);
  const transport = new StreamableHTTPClientTransport(new URL(server), { authProvider, fetch: by });
  return {
    connect: () => client.connect(transport),
    list: () => client.listTools(),
    call: async (name, args = {}) => (await client.callTool({ name, arguments: args })).structuredContent,
    finishAuth: (answer) => transport.finishAuth(answer.get("code") ?? ""),
    close: () => client.close(),
  };
}

function sdk2(server: string, provider: AnyProvider, by: typeof fetch = fetch): SdkClient {
  const authProvider = provider as Provider2;
  const client = new Client2(named);
  const transport = new Transport2(new URL(server), { authProvider, fetch: by });
  return {
    connect: () => client.connect(transport),
    list: () => client.listTools(),
    call: async (name, args = {}) => (await client.callTool({ name, arguments: args })).structuredContent,
    finishAuth: (answer) => transport.finishAuth(answer),
    close: () => client.close(),
  };
}

/** Both SDKs, by the version that they are of. */
export const sdks: ReadonlyMap<string, Sdk> = new Map([
  ["1", sdk1],
  ["2", sdk2],
]);
