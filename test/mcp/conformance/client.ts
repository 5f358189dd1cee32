/**
 * The client that the protocol's conformance suite runs: `node client.ts SDK KEPT URL`. SDK is 1 or 2. KEPT says where its tokens
 * are: `memory`, in the SDK's own way, or `vault`. The person is the suite's authorization server, which agrees to everything.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateMasterKey, keyringFromKeys, mcpServer, openVault } from "../../../src/index.ts";
import { mcpOAuthProvider } from "../../../src/mcp/index.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { sdks } from "../sdks.ts";
import type { AnyProvider, SdkClient } from "../sdks.ts";
import { MemoryProvider } from "./memory-provider.ts";

const [, , version = "", kept = "", server = ""] = process.argv;
const found = sdks.get(version);
if (found === undefined) throw new Error(`no SDK ${version}`);
const sdk = found;

const redirectUri = "http://localhost:3000/callback";
const documentUrl = "https://conformance-test.local/client-metadata.json";
const { client_id: clientId, client_secret: clientSecret } = JSON.parse(
  process.env["MCP_CONFORMANCE_CONTEXT"] ?? "{}",
) as { client_id?: string; client_secret?: string };
const isGiven = clientId !== undefined && clientSecret !== undefined;

const sentTo: URL[] = [];
const onRedirect = (url: URL): void => {
  sentTo.push(url);
};

const folder = mkdtempSync(join(tmpdir(), "onbehalf-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

async function provider(): Promise<AnyProvider> {
  if (kept === "memory") {
    return new MemoryProvider({ redirectUri, documentUrl, onRedirect, ...(isGiven ? { clientId, clientSecret } : {}) });
  }
  const vault = await openVault({
    provider: mcpServer({
      name: "suite",
      server,
      clientName: "test-auth-client",
      ...(isGiven ? { clientId, clientSecret } : { redirectUri, clientDocumentUrl: documentUrl }),
    }),
    store: sqlite(join(folder, "grants.db")),
    keyring: keyringFromKeys(generateMasterKey()),
  });
  return mcpOAuthProvider(vault, { provider: "suite", externalId: "person-1", redirectUrl: redirectUri, onRedirect });
}

const authProvider = await provider();

/** Follows the person to the authorization server, and brings back what its redirect holds. */
async function answer(): Promise<URLSearchParams> {
  const url = sentTo.at(-1);
  if (url === undefined) throw new Error("nobody was sent away");
  const response = await fetch(url, { redirect: "manual" });
  return new URL(response.headers.get("location") ?? "", url).searchParams;
}

let client: SdkClient = sdk(server, authProvider);

/** Does something, and lets the person agree where that is needed: three times at most, as the specification says. */
async function withConsent<T>(work: () => Promise<T>, isConnecting = false): Promise<T> {
  for (let consents = 0; ; consents += 1) {
    try {
      return await work();
    } catch (error) {
      if (consents === 3 || !/unauthorized/i.test(String(error))) throw error;
      await client.finishAuth(await answer());
      // A transport that was started is of no use for another attempt to connect.
      if (isConnecting) client = sdk(server, authProvider);
    }
  }
}

await withConsent(() => client.connect(), true);
await withConsent(() => client.list());
await withConsent(() => client.call("test-tool"));
await client.close();
process.exit(0);
