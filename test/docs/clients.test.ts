/** The programs of docs/clients.md that use the service, against one with a stand-in. Those that embed it: stories/frameworks-agents. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { Client as Client2, StreamableHTTPClientTransport as HttpClient2 } from "@modelcontextprotocol/client";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as HttpClient1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { generateMasterKey, google, keyringFromKeys, mcpServer, movableClock, openVault } from "../../src/index.ts";
import type { Vault } from "../../src/index.ts";
import { startServer } from "../../src/service/index.ts";
import { startStandin } from "../../src/standin/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { connectAtMcp, linksAt } from "../support/connect-at-mcp.ts";
import { installCommand } from "../support/checkout-bin.ts";
import { needsProgram } from "../support/installed-programs.ts";
import { sampleLanguages } from "../support/sample-languages.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { testStandin } from "../support/test-standin.ts";
import { runBlocks } from "./bash-session.ts";
import { blocksFor } from "./block-runners.ts";
import type { PageBlock } from "./block-runners.ts";

const run = promisify(execFile);
const blocks = blocksFor("clients");

/** A service with one connected person, `user-42`, and a folder to work in. */
interface Running {
  readonly folder: string;
  readonly vault: Vault;
  /** The person removes the app at Google, and the token that the vault has expires. */
  lapse(): void;
  /** What the page's programs find in their environment. */
  readonly env: Record<string, string | undefined>;
  /** The page's program, with the stand-in in the place of Google's API: the one difference. */
  program(section: string, name: string): Promise<string>;
}

async function running(t: TestContext): Promise<Running> {
  const folder = await temporaryFolder(t);
  const clock = movableClock();
  const standin = await testStandin({ clock });
  const { clientId, clientSecret, url: baseUrl } = standin;
  const key = generateMasterKey();
  const path = join(folder, "grants.db");
  const vault = await openVault({
    provider: google({ clientId, clientSecret, baseUrl }),
    store: sqlite(path),
    keyring: keyringFromKeys(key),
    clock,
  });
  const server = await startServer(vault, { port: 0 });
  t.after(async () => {
    await server.close();
    await vault.close();
    await standin.close();
  });
  const scope = "openid email https://www.googleapis.com/auth/drive.readonly";
  await vault.exchangeCode({ code: standin.code({ email: "ada@example.com", scope }), externalId: "user-42" });
  const caller = await vault.callers.create("app", { allow: ["token", "handles", "grants:read"] });
  return {
    folder,
    vault,
    lapse: () => {
      standin.revoke("ada@example.com");
      clock.advance(2 * 3_600_000);
    },
    env: {
      ...(await sampleLanguages(folder)),
      ONBEHALF: server.url,
      ONBEHALF_CALLER_KEY: caller.key.expose(),
      ONBEHALF_STORE: `sqlite:${path}`,
      ONBEHALF_KEY: key.expose(),
    },
    program: async (section, name) => {
      const text = blockOf(section).text.replaceAll("https://www.googleapis.com", baseUrl);
      await writeFile(join(folder, name), `${text}\n`);
      return name;
    },
  };
}

function blockOf(section: string): PageBlock {
  return blocks.find((block) => block.section === section) ?? assert.fail(section);
}

/** What a program says on stderr that fails. */
async function failure(running: Promise<{ stdout: string }>): Promise<string> {
  return running.then(
    ({ stdout }) => assert.fail(`it did not fail: ${stdout}`),
    ({ stderr }: { stderr: string }) => stderr,
  );
}

test(
  "docs/clients.md: the job in Python reads files, and says who must connect again",
  needsProgram("python3"),
  async (t) => {
    for (const end of ["lapsed", "revoked"] as const) {
      const { folder, env, vault, program, lapse } = await running(t);
      const options = { cwd: folder, env };
      const night = await program("Python job", "night.py");
      assert.equal((await run("python3", [night], options)).stdout, "200 list\n");
      if (end === "lapsed") lapse();
      else await vault.revoke({ externalId: "user-42" });
      assert.match(await failure(run("python3", [night], options)), /PermissionError: \w/, end);
    }
  },
);

test(
  "docs/clients.md: the service in Go reads files with a handle, until it is ended",
  needsProgram("go"),
  async (t) => {
    const { folder, env, vault, program } = await running(t);
    const service = await program("Go service", "service.go");
    await run("go", ["build", "-o", "service", service], { cwd: folder, env });
    const caller = await vault.callers.create("go-service", { allow: ["token"], grants: ["ext:user-42"] });
    const made = await vault.handles.create({ externalId: "user-42" }, { name: "go", forCaller: "go-service" });
    const options = {
      cwd: folder,
      env: { ...env, ONBEHALF_CALLER_KEY: caller.key.expose(), ONBEHALF_HANDLE: made.secret.expose() },
    };
    assert.equal((await run("./service", [], options)).stdout, "200\n");
    await vault.handles.revoke({ externalId: "user-42" }, made.handle.handleId);
    assert.match(await failure(run("./service", [], options)), /invalid_grant/);
  },
);

test("docs/clients.md: a hosted agent gets a token for its handle, and none when it is ended", async (t) => {
  const { folder, env, vault } = await running(t);
  const shell = blocks.filter(({ section }) => section === "Hosted agent");
  assert.equal(shell.length, 3);
  const [create = assert.fail(), handle = assert.fail(), end = assert.fail()] = shell;
  const token = (text: string): { text: string; line: number } => ({ text, line: 0 });
  const asked = `curl -sS "$ONBEHALF/oauth/token" -u "hosted-agent:$AGENT_KEY" -d grant_type=refresh_token -d "refresh_token=$(grep -o 'obh_[^"]*' handle.json)"`;
  const outputs = await runBlocks(
    [
      token(`cd '${folder}'`),
      { ...create, text: `AGENT_KEY=$(${create.text} 2>/dev/null | grep -o 'obk_[A-Za-z0-9_-]*')` },
      handle,
      token(asked),
      end,
      token(asked),
    ],
    { ...env, PATH: `${await installCommand(folder)}:${env["PATH"] ?? ""}` },
  );
  const given = JSON.parse(outputs[3] ?? "") as { access_token: string; refresh_token?: string };
  assert.equal(given.access_token, (await vault.getAccessToken({ externalId: "user-42" })).token);
  assert.equal(given.refresh_token, undefined);
  assert.equal((JSON.parse(outputs[5] ?? "") as { error: string }).error, "invalid_grant");
});

test("docs/clients.md: an MCP client that nobody changes goes by the proxy, with a session for one person", async (t) => {
  const folder = await temporaryFolder(t);
  const mcp = await startStandin({ kind: "mcp" });
  const redirectUri = `${linksAt}/callback`;
  const vault = await openVault({
    provider: mcpServer({ name: "tools", server: mcp.server, clientName: "Notes", redirectUri }),
    store: sqlite(join(folder, "grants.db")),
    keyring: keyringFromKeys(generateMasterKey()),
  });
  const server = await startServer(vault, { port: 0 });
  t.after(async () => {
    await server.close();
    await vault.close();
    await mcp.close();
  });
  await connectAtMcp(vault, "tools", "user-42");
  const caller = await vault.callers.create("app", { allow: ["sessions", "proxy"] });
  const [made = assert.fail(), settings = assert.fail()] = blocks.filter(({ section }) => section === "MCP client");
  const env = { PATH: process.env["PATH"], ONBEHALF: server.url, ONBEHALF_CALLER_KEY: caller.key.expose() };
  await runBlocks([{ text: `cd '${folder}'`, line: 0 }, made], env);
  const { key } = JSON.parse(await readFile(join(folder, "session.json"), "utf8")) as { key: string };
  const text = settings.text
    .replace("https://vault.example", server.url)
    .replace("mcp.example/mcp", mcp.server.replace("http://", ""))
    .replace(/obs_[^"]*/, key);
  const { tools } = (JSON.parse(text) as { mcpServers: { tools: { url: string; headers: Record<string, string> } } })
    .mcpServers;
  for (const client of [
    new Client1({ name: "c", version: "1" }),
    new Client2({ name: "c", version: "1" }, { versionNegotiation: { mode: "auto" } }),
  ]) {
    const options = { requestInit: { headers: tools.headers } };
    const transport =
      client instanceof Client1
        ? new HttpClient1(new URL(tools.url), options)
        : new HttpClient2(new URL(tools.url), options);
    await (client as Client2).connect(transport);
    assert.match(JSON.stringify(await (client as Client2).callTool({ name: "whoami" })), /ada@example\.com/);
    await client.close();
  }
  await vault.revoke({ externalId: "user-42" });
  const answer = await fetch(tools.url, { method: "POST", headers: tools.headers, body: "{}" });
  assert.deepEqual(
    [answer.status, ((await answer.json()) as { error: string }).error],
    [409, "reauthorization_required"],
  );
});
