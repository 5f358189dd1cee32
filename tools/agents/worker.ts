/** An agent: the SDK's client, which calls a tool for one person after the other until it is stopped or killed. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  Client,
  SdkErrorCode,
  SdkHttpError,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from "@modelcontextprotocol/client";
import { keyringFromEnv, mcpServer, openVault } from "../../src/index.ts";
import type { Vault } from "../../src/index.ts";
import { mcpAuthProvider } from "../../src/mcp/index.ts";
import { postgres } from "../../src/store/postgres/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { between, oneOf, seeded } from "../random.ts";
import { FileProvider } from "./file-provider.ts";
import { keyVariable, redirectUri } from "./messages.ts";
import type { FromWorker, WorkerOptions } from "./messages.ts";

const { kind, server, people, store, ttl, seed } = JSON.parse(process.argv[2] ?? "") as WorkerOptions;
const random = seeded(seed);
const stopping = new AbortController();
process.once("disconnect", () => stopping.abort());
process.once("message", () => stopping.abort());

const vault = kind === "vault" ? await opened() : undefined;
const clients = new Map<number, Client>();
tell({ type: "ready" });
while (!stopping.signal.aborted) {
  const person = oneOf(random, [...people.keys()]) ?? 0;
  const begunAt = performance.now();
  try {
    const client = clients.get(person) ?? (await connected(person));
    clients.set(person, client);
    const { isError } = await client.callTool({ name: "whoami" });
    if (isError === true) throw new Error("the tool failed");
    tell({ type: "called", person });
  } catch (error) {
    clients.delete(person);
    tell({ type: "failed", person, why: whyOf(error, performance.now() - begunAt), what: String(error).slice(0, 200) });
    await sleep(250);
  }
  await sleep(between(random, 0, 300));
}
await vault?.close();
process.disconnect?.();

async function opened(): Promise<Vault> {
  return openVault({
    provider: mcpServer({ name: "tools", server, clientName: "Agents", redirectUri }),
    store: store.startsWith("sqlite:") ? sqlite(store.slice(7)) : postgres(store),
    keyring: keyringFromEnv(keyVariable),
    keeper: "process",
  });
}

async function connected(person: number): Promise<Client> {
  const named = people[person] ?? "";
  const authProvider =
    vault === undefined
      ? new FileProvider(named, redirectUri)
      : mcpAuthProvider(vault, { provider: "tools", externalId: named });
  const client = new Client({ name: "agent", version: "1.0.0" });
  await client.connect(new StreamableHTTPClientTransport(new URL(server), { authProvider }));
  return client;
}

function whyOf(error: unknown, tookMs: number): (FromWorker & { type: "failed" })["why"] {
  // Whoever was killed while writing the file has left half of it.
  if (error instanceof UnauthorizedError || error instanceof SyntaxError) return "unauthorized";
  if (!(error instanceof SdkHttpError && error.code === SdkErrorCode.ClientHttpAuthentication)) return "other";
  // The server refused a token, and then another one. No token is handed out with less than 30 % of its life left.
  return tookMs > 300 * ttl ? "late" : "unauthorized";
}

function tell(message: FromWorker): void {
  if (process.connected) process.send?.(message, undefined, {}, () => undefined);
}
