import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as HttpClient1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { McpServer as Server1 } from "@modelcontextprotocol/sdk/server/mcp.js";
import { WebStandardStreamableHTTPServerTransport as HttpServer1 } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import {
  ElicitRequestSchema,
  ElicitationCompleteNotificationSchema,
  UrlElicitationRequiredError as Required1,
} from "@modelcontextprotocol/sdk/types.js";
import { Client as Client2, StreamableHTTPClientTransport as HttpClient2 } from "@modelcontextprotocol/client";
import {
  McpServer as Server2,
  UrlElicitationRequiredError as Required2,
  WebStandardStreamableHTTPServerTransport as HttpServer2,
  createMcpHandler,
} from "@modelcontextprotocol/server";
import { requireGrant } from "../../src/mcp/require-grant.ts";
import type { ForOneTool, GrantAccess, RequiredGrant } from "../../src/mcp/require-grant.ts";
import type { GrantVault, RequireGrantOptions } from "../../src/mcp/require-grant-options.ts";

/** The SDKs, and of SDK 2 both ways in which a person can be asked for something. */
export const sdks = ["SDK 1", "SDK 2", "SDK 2 of revision 2026-07-28"] as const;
export type Sdk = (typeof sdks)[number];

/** What came of calling a tool. */
export interface ToolCall {
  /** What the tool answered; undefined where there was an error of the protocol. */
  readonly text?: string;
  readonly isError?: boolean;
  readonly code?: number;
  readonly elicitations?: readonly {
    readonly url: string;
    readonly message: string;
    readonly elicitationId?: string;
  }[];
}

/** A client of one person. */
export interface ToolClient {
  call(tool?: string): Promise<ToolCall>;
  prompt(name: string): Promise<ToolCall>;
  /** Reads the resource of this name. */
  read(name: string): Promise<ToolCall>;
  /** The ids of the elicitations that it was told are done. */
  readonly completed: string[];
  close(): Promise<void>;
}

/** A tool that works on the person's grant. */
export type Work = (access: GrantAccess) => string | Promise<string>;

/** How a client may be. */
export interface ClientOptions {
  /** What it does with a link that it is asked to open, and answers; or that it opens none. Default: it is never asked. */
  readonly onLink?: ((url: string, message: string) => Promise<"accept" | "decline" | "cancel">) | "none";
}

/** An MCP server for several people, with tools that need a grant. */
export interface ToolServer {
  readonly required: RequiredGrant;
  /** @param user who the request's access token says it is; undefined: nobody */
  connect(user: string | undefined, options?: ClientOptions): Promise<ToolClient>;
}

/** What a server and its tools are. */
export interface ToolServerOptions extends Partial<RequireGrantOptions> {
  readonly tools?: Readonly<Record<string, Work>>;
  readonly more?: Readonly<Record<string, ForOneTool>>;
}

export const pageUrl = "http://127.0.0.1:8787/connect-drive";

const capabilities = { elicitation: { url: {} } };
const info = { name: "test", version: "1" };
const server = new URL("http://127.0.0.1:8787/mcp");

/** Makes a server, over HTTP without sockets. */
export function toolServer(sdk: Sdk, vault: GrantVault, options: ToolServerOptions = {}): ToolServer {
  const { tools = { drive: (access) => `hello ${access.externalId}` }, more = {}, ...given } = options;
  const required = requireGrant(vault, {
    externalId: (authInfo) => authInfo?.extra?.["sub"] as string | undefined,
    signedIn: (request) => /session=([^;]*)/.exec(request.headers.get("cookie") ?? "")?.[1],
    pageUrl,
    UrlElicitationRequiredError: sdk === "SDK 1" ? Required1 : Required2,
    ...given,
  });
  const makeServer = <S extends Server1 | Server2>(made: S): S => {
    for (const [name, work] of Object.entries(tools)) {
      const handler = required.handler(
        made,
        async (access) => ({ content: [{ type: "text" as const, text: await work(access) }] }),
        more[name],
      );
      (made as Server1).registerTool(name, {}, handler);
      const prompt = required.handler(
        made,
        async (access) => ({
          messages: [{ role: "user" as const, content: { type: "text" as const, text: await work(access) } }],
        }),
        more[name],
      );
      (made as Server1).registerPrompt(name, {}, prompt);
      const uri = `test:${name}`;
      const resource = required.handler(
        made,
        async (access) => ({ contents: [{ uri, text: await work(access) }] }),
        more[name],
      );
      (made as Server1).registerResource(name, uri, {}, resource);
    }
    return made;
  };
  return {
    required,
    connect: async (user, { onLink } = {}) => {
      const auth =
        user === undefined ? {} : { authInfo: { token: "t", clientId: "c", scopes: [], extra: { sub: user } } };
      const completed: string[] = [];
      const fetchOf =
        (handle: (request: Request, options: typeof auth) => Promise<Response>) =>
        async (url: string | URL, init?: RequestInit): Promise<Response> =>
          handle(new Request(url, init), auth);
      const opens = onLink === "none" ? {} : { capabilities };
      const answer = async (url: string, message: string): Promise<{ action: "accept" | "decline" | "cancel" }> => ({
        action: typeof onLink === "function" ? await onLink(url, message) : "cancel",
      });
      if (sdk === "SDK 1") {
        const transport = new HttpServer1({ sessionIdGenerator: () => crypto.randomUUID() });
        await makeServer(new Server1(info)).connect(transport);
        const client = new Client1(info, opens);
        if (onLink !== "none") {
          client.setRequestHandler(ElicitRequestSchema, ({ params }) =>
            answer("url" in params ? params.url : "", params.message),
          );
        }
        client.setNotificationHandler(ElicitationCompleteNotificationSchema, ({ params }) => {
          completed.push(params.elicitationId);
        });
        await client.connect(
          new HttpClient1(server, { fetch: fetchOf((...given) => transport.handleRequest(...given)) }),
        );
        return clientOf(client, completed);
      }
      const isModern = sdk === "SDK 2 of revision 2026-07-28";
      const client = new Client2(info, {
        ...opens,
        versionNegotiation: { mode: isModern ? { pin: "2026-07-28" } : "legacy" },
      });
      if (onLink !== "none") {
        client.setRequestHandler("elicitation/create", ({ params }) =>
          answer("url" in params ? params.url : "", params.message),
        );
      }
      client.setNotificationHandler("notifications/elicitation/complete", ({ params }) => {
        completed.push(params.elicitationId);
      });
      let handle: (request: Request, options: typeof auth) => Promise<Response>;
      if (isModern) {
        const { fetch } = createMcpHandler(() => makeServer(new Server2(info)));
        handle = fetch;
      } else {
        const transport = new HttpServer2({ sessionIdGenerator: () => crypto.randomUUID() });
        await makeServer(new Server2(info)).connect(transport);
        handle = (...given) => transport.handleRequest(...given);
      }
      await client.connect(new HttpClient2(server, { fetch: fetchOf(handle) }));
      return clientOf(client, completed);
    },
  };
}

function clientOf(given: Client1 | Client2, completed: string[]): ToolClient {
  const client = given as Client1;
  return {
    completed,
    close: () => client.close(),
    call: (name = "drive") =>
      outcomeOf(async () => {
        const result = await client.callTool({ name });
        const [first] = result.content as { text: string }[];
        return { text: first?.text ?? "", ...(result.isError === true ? { isError: true } : {}) };
      }),
    prompt: (name) =>
      outcomeOf(async () => {
        const [first] = (await client.getPrompt({ name })).messages;
        return { text: (first as { content: { text: string } }).content.text };
      }),
    read: (name) =>
      outcomeOf(async () => {
        const [first] = (await client.readResource({ uri: `test:${name}` })).contents;
        return { text: (first as { text: string }).text };
      }),
  };
}

async function outcomeOf(asked: () => Promise<ToolCall>): Promise<ToolCall> {
  try {
    return await asked();
  } catch (error) {
    const { code, elicitations, message } = error as Error & { code: number } & Pick<ToolCall, "elicitations">;
    return code === -32_042 ? { code, elicitations: elicitations ?? [] } : { code, text: message };
  }
}
