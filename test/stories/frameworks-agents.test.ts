/**
 * The programs of docs/clients.md that embed the library, from the packed package, each with a connected person. Those for the MCP
 * SDK are run here; with FRAMEWORKS=full those for the Vercel AI SDK and LangChain as well, with their packages from the registry.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { generateMasterKey, google, keyringFromKeys, mcpServer, openVault } from "../../src/index.ts";
import { startStandin } from "../../src/standin/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { blocksFor } from "../docs/block-runners.ts";
import { connectAtMcp, linksAt } from "../support/connect-at-mcp.ts";
import { environment, project } from "../support/framework-project.ts";
import type { Packages } from "../support/framework-project.ts";
import { testStandin } from "../support/test-standin.ts";

const run = promisify(execFile);
const isFull = process.env["FRAMEWORKS"] === "full";
const fromRegistry = { skip: !isFull && "FRAMEWORKS=full runs it", timeout: 1_800_000 };
const scope = "openid email https://www.googleapis.com/auth/drive.readonly";

const files = new Map<string, string>();
before(() => {
  for (const { text } of blocksFor("clients, programs")) {
    files.set(/^\/\/ (\S+)\n/.exec(text)?.[1] ?? assert.fail(text), text);
  }
});

/** What the page's reader has opened before: both providers, by the stand-ins. */
const vaultFile = `
import { google, keyringFromEnv, mcpServer, openVault } from "onbehalf";
import { sqlite } from "onbehalf/sqlite";
const { GOOGLE = "", MCP = "" } = process.env;
export const server = MCP;
export const vault = await openVault({
  providers: [
    google({ clientSecretFile: "client_secret.json" }),
    mcpServer({ name: "tools", server: MCP, clientName: "Notes", redirectUri: "http://127.0.0.1:8787/connect/callback" }),
  ],
  store: sqlite("grants.db"),
  keyring: keyringFromEnv("ONBEHALF_KEY"),
});
`;

/** A project with some of the page's programs, and a person \`user-42\` who has connected both providers. */
interface Connected {
  /** Runs a program; what it printed. */
  print(program: string): Promise<string>;
  revoke(provider: string): Promise<void>;
  /** What the TypeScript compiler says of all files. */
  flaws(): Promise<string>;
}

async function connected(t: TestContext, names: readonly string[], packages: Packages): Promise<Connected> {
  const atGoogle = await testStandin();
  const mcp = await startStandin({ kind: "mcp" });
  t.after(() => Promise.all([atGoogle.close(), mcp.close()]));
  const wanted = names.map((name) => [name, files.get(name) ?? assert.fail(name)] as const);
  const folder = await project(t, new Map([...wanted, ["vault.ts", vaultFile]]), packages, atGoogle);
  const key = generateMasterKey();
  const vault = await openVault({
    providers: [
      google({ clientId: atGoogle.clientId, clientSecret: atGoogle.clientSecret, baseUrl: atGoogle.url }),
      mcpServer({ name: "tools", server: mcp.server, clientName: "Notes", redirectUri: `${linksAt}/callback` }),
    ],
    store: sqlite(join(folder, "grants.db")),
    keyring: keyringFromKeys(key),
  });
  t.after(() => vault.close());
  const whose = { provider: "google", externalId: "user-42" };
  await vault.exchangeCode({ ...whose, code: atGoogle.code({ email: "ada@example.com", scope }), source: "android" });
  await connectAtMcp(vault, "tools", "user-42");
  const env = environment({ MCP: mcp.server, ONBEHALF_KEY: key.expose() });
  return {
    print: async (program) => {
      await writeFile(join(folder, "program.ts"), program);
      return (await run(process.execPath, ["program.ts"], { cwd: folder, env })).stdout;
    },
    revoke: async (provider) => {
      await vault.revoke({ provider, externalId: "user-42" });
    },
    flaws: async () => {
      const compilerOptions = {
        strict: true,
        noEmit: true,
        module: "nodenext",
        target: "es2024",
        types: ["node"],
        skipLibCheck: true,
        allowImportingTsExtensions: true,
      };
      await writeFile(
        join(folder, "tsconfig.json"),
        JSON.stringify({ compilerOptions, include: [...names, "vault.ts"] }),
      );
      const compiled = run(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "."], { cwd: folder });
      return compiled.then(
        () => "",
        ({ stdout }: { stdout: string }) => stdout,
      );
    },
  };
}

test("docs/clients.md: the MCP client calls a tool with the vault's token, and is told when it must connect again", async (t) => {
  const { print, flaws, revoke } = await connected(t, ["mcp-client.ts"], { linked: true });
  assert.equal(await flaws(), "");
  const program = `
import { clientOf } from "./mcp-client.ts";
import { server, vault } from "./vault.ts";
try {
  const client = await clientOf(vault, "user-42", server);
  console.log(JSON.stringify((await client.callTool({ name: "whoami" })).content));
  await client.close();
} catch (error) {
  console.log(error.name, error.message);
}
await vault.close();
`;
  assert.match(await print(program), /"text"/);
  await revoke("tools");
  assert.match(await print(program), /^UnauthorizedError .*consent again/);
});

test("docs/clients.md: the tool of an MCP server reads the caller's files", async (t) => {
  const { print, flaws, revoke } = await connected(t, ["mcp-server.ts"], { linked: true });
  assert.equal(await flaws(), "");
  const program = `
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { UrlElicitationRequiredError } from "@modelcontextprotocol/sdk/types.js";
import { requireGrant } from "onbehalf/mcp";
import { addTools } from "./mcp-server.ts";
import { vault } from "./vault.ts";
const user = () => "user-42";
const pageUrl = "http://127.0.0.1:8787/connect-drive";
const drive = requireGrant(vault, { provider: "google", externalId: user, signedIn: user, pageUrl, UrlElicitationRequiredError });
const server = new McpServer({ name: "notes", version: "1.0.0" });
addTools(server, drive);
const [one, other] = InMemoryTransport.createLinkedPair();
const client = new Client({ name: "c", version: "1" });
await Promise.all([server.connect(one), client.connect(other)]);
const { content, isError } = await client.callTool({ name: "list_files" });
console.log(isError === true, content[0].text);
await client.close();
await vault.close();
`;
  assert.match(await print(program), /^false \{.*"files"/s);
  await revoke("google");
  assert.match(await print(program), /^true Connect your account at Google/);
});

describe("docs/clients.md, with packages from the registry", fromRegistry, () => {
  test("docs/clients.md: an agent on the Vercel AI SDK reads files, and calls the tools of an MCP server", async (t) => {
    const install = ["ai@7.0.173", "@ai-sdk/mcp@2.0.99", "zod@4.6.7", "typescript@5.9.3", "@types/node@24"];
    const { print, flaws, revoke } = await connected(t, ["ai-sdk.ts", "ai-sdk-mcp.ts"], { install });
    assert.equal(await flaws(), "");
    const program = `
import { MockLanguageModelV4 } from "ai/test";
import { answer } from "./ai-sdk.ts";
import { clientOf } from "./ai-sdk-mcp.ts";
import { server, vault } from "./vault.ts";
const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
const said = (content, unified) => ({ content: [content], finishReason: { unified, raw: unified }, usage, warnings: [] });
// It calls the tool, and says what the tool has answered.
const model = new MockLanguageModelV4({
  doGenerate: async ({ prompt }) => {
    const last = prompt.at(-1);
    if (last.role === "tool") return said({ type: "text", text: JSON.stringify(last.content) }, "stop");
    return said({ type: "tool-call", toolCallId: "1", toolName: "listFiles", input: "{}" }, "tool-calls");
  },
});
console.log(await answer(vault, "user-42", model, "What do I have?"));
try {
  const client = await clientOf(vault, "user-42", server);
  const { whoami } = await client.tools();
  console.log(JSON.stringify(await whoami.execute({}, { toolCallId: "1", messages: [] })));
  await client.close();
} catch (error) {
  console.log(error.message);
}
await vault.close();
`;
    assert.match(await print(program), /"type":"json","value":\{.*"files":\[.*\n.*"text"/);
    await revoke("google");
    await revoke("tools");
    assert.match(await print(program), /"type":"error-text".*\n.*(?:consent|connect|grant)/);
  });

  test("docs/clients.md: an agent on LangChain reads files, and calls the tools of an MCP server", async (t) => {
    const install = [
      "langchain@1.5.14",
      "@langchain/core@1.4.0",
      "@langchain/mcp-adapters@1.1.4",
      "zod@4.6.7",
      "typescript@5.9.3",
      "@types/node@24",
    ];
    const { print, flaws, revoke } = await connected(t, ["langchain.ts", "langchain-mcp.ts"], { install });
    assert.equal(await flaws(), "");
    const program = `
import { AIMessage, fakeModel } from "langchain";
import { agentOf } from "./langchain.ts";
import { clientOf } from "./langchain-mcp.ts";
import { server, vault } from "./vault.ts";
// It calls the tool, and says what the tool has answered.
const calling = fakeModel().respondWithTools([{ name: "list_files", args: {} }]);
const model = calling.respond((messages) => new AIMessage(String(messages.at(-1).content)));
const { messages } = await agentOf(vault, "user-42", model).invoke({ messages: [{ role: "user", content: "What do I have?" }] });
console.log(messages.at(-1).content.replaceAll("\\n", " "));
const client = clientOf(vault, "user-42", server);
try {
  const tools = await client.getTools();
  console.log(JSON.stringify(await tools.find(({ name }) => name.endsWith("whoami")).invoke({})));
} catch (error) {
  console.log(error.message);
}
await client.close();
await vault.close();
`;
    const printed = await print(program);
    assert.match(printed, /"files".*\n.*ada@example\.com/);
    assert.doesNotMatch(printed, /rror/);
    await revoke("google");
    await revoke("tools");
    assert.match(await print(program), /rror.*\n.*consent again/);
  });
});
