/** The programs of docs/mcp-servers.md, from the packed package, over HTTP and stdio, with clients of both SDKs. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { Client as Client2, StreamableHTTPClientTransport as HttpClient2 } from "@modelcontextprotocol/client";
import { StdioClientTransport as StdioClient2 } from "@modelcontextprotocol/client/stdio";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as StdioClient1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport as HttpClient1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema, ElicitationCompleteNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { SignJWT, exportJWK, generateKeyPair } from "jose";
import { generateMasterKey } from "../../src/index.ts";
import type { Standin } from "../../src/standin/index.ts";
import { blocksFor } from "../docs/block-runners.ts";
import { checkout } from "../support/checkout-bin.ts";
import { ConnectBrowser, consented } from "../support/connect-browser.ts";
import { eventually } from "../support/eventually.ts";
import { environment, project, started } from "../support/framework-project.ts";
import { testStandin } from "../support/test-standin.ts";

let standin: Standin;
let issuer: Issuer;
before(async () => {
  standin = await testStandin();
  issuer = await startIssuer();
});
after(async () => {
  await standin.close();
  issuer.close();
});

/** What the server's people sign in at. */
interface Issuer {
  readonly url: string;
  token(sub: string, audience: string): Promise<string>;
  close(): void;
}

async function startIssuer(): Promise<Issuer> {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), alg: "ES256", kid: "1" }] });
  const server = createServer((_, response) => response.setHeader("content-type", "application/json").end(jwks));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    token: (sub, audience) =>
      new SignJWT({ client_id: "a-client" })
        .setProtectedHeader({ alg: "ES256", kid: "1" })
        .setIssuer(url)
        .setAudience(audience)
        .setSubject(sub)
        .setExpirationTime("1h")
        .sign(privateKey),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The page's files, as a program with this SDK has them. */
function pageFiles(sdk: 1 | 2): Map<string, string> {
  const files = new Map<string, string>();
  for (const { text } of blocksFor("mcp-servers"))
    files.set(/^\/\/ (\S+)\n/.exec(text)?.[1] ?? assert.fail(text), text);
  if (sdk === 2) {
    const drive = (files.get("drive.ts") ?? "").replace(
      "@modelcontextprotocol/sdk/types.js",
      "@modelcontextprotocol/server",
    );
    files.set("drive.ts", drive);
  }
  return files;
}

/** A browser in which somebody is signed in to a server; undefined: nobody. */
async function browserOf(user: string | undefined, url: string): Promise<ConnectBrowser> {
  const browser = new ConnectBrowser(fetch);
  if (user !== undefined) browser.cookies.set("session", await issuer.token(user, url));
  return browser;
}

/** Opens a link, consents and comes back. */
async function connect(browser: ConnectBrowser, url: string, email: string): Promise<string> {
  const { location: link = assert.fail("the page leads nowhere") } = await browser.open(url);
  const { location: provider = "" } = await browser.open(link);
  const { location: back = "" } = await browser.open(consented(standin, provider, email));
  return (await browser.open(back)).page;
}

interface Required {
  readonly code: number;
  readonly elicitations: readonly { readonly url: string; readonly elicitationId: string }[];
}

/** A client of SDK 1 with somebody's access token, and the ids of the elicitations that it was told are done. */
async function client1(url: string, user: string): Promise<{ client: Client1; completed: string[] }> {
  const client = new Client1({ name: "c", version: "1" }, { capabilities: { elicitation: { url: {} } } });
  const completed: string[] = [];
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: "cancel" as const }));
  client.setNotificationHandler(
    ElicitationCompleteNotificationSchema,
    ({ params }) => void completed.push(params.elicitationId),
  );
  const authorization = `Bearer ${await issuer.token(user, `${url}/mcp`)}`;
  await client.connect(new HttpClient1(new URL(`${url}/mcp`), { requestInit: { headers: { authorization } } }));
  return { client, completed };
}

function linkOf(error: unknown): Required["elicitations"][0] {
  const { code, elicitations } = error as Required;
  assert.equal(code, -32_042, String(error));
  return elicitations[0] ?? assert.fail("no link");
}

const call = { name: "list_notes" };
const textOf = (result: object): string => (result as { content: { text: string }[] }).content[0]?.text ?? "";

test("the server of SDK 1 gives each person their own Drive, and nobody another's", async (t) => {
  const folder = await project(t, pageFiles(1), { linked: true }, standin);
  const url = await started(t, folder, ["server.ts"], {
    ISSUER: issuer.url,
    LINK_SECRET: "0123456789abcdef0123456789abcdef",
  });
  assert.equal((await fetch(`${url}/mcp`, { method: "POST", headers: { authorization: "Bearer x" } })).status, 401);
  const ada = await client1(url, "ada");
  const carl = await client1(url, "carl");
  const adas = linkOf(await ada.client.callTool(call).catch((error: unknown) => error));
  const carls = linkOf(await carl.client.callTool(call).catch((error: unknown) => error));
  // Each is sent the other's link, and follows it.
  assert.equal((await (await browserOf("carl", url)).open(adas.url)).status, 403);
  assert.equal((await (await browserOf("ada", url)).open(carls.url)).status, 403);
  const { location = "" } = await (await browserOf(undefined, url)).open(adas.url);
  assert.equal(location, `${issuer.url}/login?return_to=${encodeURIComponent(adas.url)}`);
  assert.equal(linkOf(await ada.client.callTool(call).catch((error: unknown) => error)).url, adas.url);

  assert.match(await connect(await browserOf("ada", url), adas.url, "ada@example.com"), /The account is connected/);
  await eventually(() => ada.completed.length, Boolean);
  assert.deepEqual([ada.completed, carl.completed], [[adas.elicitationId], []]);
  assert.match(textOf(await ada.client.callTool(call)), /"files"/);
  assert.equal(linkOf(await carl.client.callTool(call).catch((error: unknown) => error)).url, carls.url);
  assert.match(await connect(await browserOf("carl", url), carls.url, "carl@example.com"), /The account is connected/);
  assert.match(textOf(await carl.client.callTool(call)), /"files"/);
  await Promise.all([ada.client.close(), carl.client.close()]);
});

test("the server of SDK 2 lets a call of revision 2026-07-28 go on, and gives an older client the link in words", async (t) => {
  const folder = await project(t, pageFiles(2), { linked: true }, standin);
  const url = await started(t, folder, ["fetch.ts"], { ISSUER: issuer.url });
  assert.equal((await fetch(`${url}/mcp`, { method: "POST", headers: { authorization: "Bearer x" } })).status, 401);
  const client = new Client2(
    { name: "c", version: "1" },
    { capabilities: { elicitation: { url: {} } }, versionNegotiation: { mode: "auto" } },
  );
  const pages: string[] = [];
  client.setRequestHandler("elicitation/create", async ({ params }) => {
    pages.push(await connect(await browserOf("ada", url), "url" in params ? params.url : "", "ada@example.com"));
    return { action: "accept" };
  });
  const authorization = `Bearer ${await issuer.token("ada", `${url}/mcp`)}`;
  await client.connect(new HttpClient2(new URL(`${url}/mcp`), { requestInit: { headers: { authorization } } }));
  assert.match(textOf(await client.callTool(call)), /"files"/);
  assert.equal(pages.length, 1);
  assert.match(pages[0] ?? "", /The account is connected/);

  const { client: older } = await client1(url, "carl");
  const told = textOf(await older.callTool(call));
  const [link = assert.fail(told)] = /http:\S+/.exec(told) ?? [];
  assert.equal((await (await browserOf("ada", url)).open(link)).status, 403);
  assert.match(await connect(await browserOf("carl", url), link, "carl@example.com"), /The account is connected/);
  assert.match(textOf(await older.callTool(call)), /"files"/);
  await Promise.all([client.close(), older.close()]);
});

/** How a client starts the program on stdio. */
async function local(
  t: TestContext,
): Promise<{ command: string; args: string[]; cwd: string; env: Record<string, string> }> {
  const cwd = await project(t, pageFiles(2), { linked: true }, standin);
  const more = { ONBEHALF_KEY: generateMasterKey().expose() };
  return { command: process.execPath, args: ["local.ts"], cwd, env: environment(more) as Record<string, string> };
}

test("the server on stdio sends its user to a link on the same machine, with a client of SDK 1", async (t) => {
  const client = new Client1({ name: "c", version: "1" }, { capabilities: { elicitation: { url: {} } } });
  const completed: string[] = [];
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: "cancel" as const }));
  client.setNotificationHandler(
    ElicitationCompleteNotificationSchema,
    ({ params }) => void completed.push(params.elicitationId),
  );
  await client.connect(new StdioClient1(await local(t)));
  t.after(() => client.close());
  const { url, elicitationId } = linkOf(await client.callTool(call).catch((error: unknown) => error));
  assert.match(url, /^http:\/\/127\.0\.0\.1:/);
  assert.match(await connect(new ConnectBrowser(fetch), url, "ada@example.com"), /The account is connected/);
  await eventually(() => completed.length, Boolean);
  assert.deepEqual(completed, [elicitationId]);
  assert.match(textOf(await client.callTool(call)), /"files"/);
});

test("the server on stdio ends by itself when its client has gone", async (t) => {
  const { command, args, cwd, env } = await local(t);
  const child = spawn(command, args, { cwd, env, stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const request = { jsonrpc: "2.0", id: 1, method: "ping" };
  child.stdin.write(`${JSON.stringify(request)}\n`);
  await once(child.stdout, "data");
  child.stdin.end();
  assert.deepEqual(await once(child, "exit"), [0, null]);
});

test("the server on stdio lets a call of revision 2026-07-28 go on when its user has connected", async (t) => {
  const client = new Client2(
    { name: "c", version: "1" },
    { capabilities: { elicitation: { url: {} } }, versionNegotiation: { mode: { pin: "2026-07-28" } } },
  );
  client.setRequestHandler("elicitation/create", async ({ params }) => {
    await connect(new ConnectBrowser(fetch), "url" in params ? params.url : "", "ada@example.com");
    return { action: "accept" };
  });
  await client.connect(new StdioClient2(await local(t)));
  t.after(() => client.close());
  assert.match(textOf(await client.callTool(call)), /"files"/);
});

test("the programs compile where one of the SDKs is installed alone", async (t) => {
  for (const sdk of [1, 2] as const) {
    const files = pageFiles(sdk);
    // The program of the other SDK has no place beside this one's class.
    for (const other of sdk === 1 ? ["fetch.ts", "local.ts"] : ["server.ts"]) files.delete(other);
    const folder = await project(t, files, { linked: true }, standin);
    const scope = join(folder, "node_modules/@modelcontextprotocol");
    await rm(scope);
    await mkdir(scope);
    for (const name of sdk === 1 ? ["sdk"] : ["server", "core"]) {
      await symlink(join(checkout, "node_modules/@modelcontextprotocol", name), join(scope, name));
    }
    const compilerOptions = {
      strict: true,
      noEmit: true,
      module: "nodenext",
      target: "es2024",
      types: ["node"],
      skipLibCheck: true,
      exactOptionalPropertyTypes: true,
      noPropertyAccessFromIndexSignature: true,
      allowImportingTsExtensions: true,
    };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
    const failed = await promisify(execFile)(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "."], {
      cwd: folder,
    }).then(
      () => "",
      ({ stdout }: { stdout: string }) => stdout,
    );
    assert.equal(failed, "");
  }
});
