import type { TestContext } from "node:test";
import { fixedClock, generateMasterKey, keyringFromKeys, mcpServer, openVault } from "../../src/index.ts";
import type { Grant, MovableClock, Provider, Vault, VaultOptions } from "../../src/index.ts";
import { startStandin } from "../../src/standin/index.ts";
import type { McpStandin } from "../../src/standin/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { challengeOf, verifier } from "../standin/oauth2/talk.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

export const redirectUri = "http://127.0.0.1:8787/callback";
export const named = { name: "notes", version: "1.0.0" };

/** A vault over a stand-in of the kind `mcp`, at which people connect. */
export interface McpFixture {
  readonly standin: McpStandin;
  readonly clock: MovableClock;
  readonly provider: Provider;
  readonly vault: Vault;
  /** Another vault over the same file, as another process would open it. */
  another(): Promise<Vault>;
  /** Somebody connects, as by a connect link. */
  connect(externalId: string, email?: string, scope?: string): Promise<Grant>;
}

/**
 * Opens all of that. It is gone after the test.
 *
 * @param server another MCP server than the stand-in's
 */
export async function mcpFixture(
  t: TestContext,
  options: Partial<VaultOptions> = {},
  server?: string,
): Promise<McpFixture> {
  const clock = fixedClock("2026-11-26T00:00:00Z");
  const standin = await startStandin({ kind: "mcp", clock });
  t.after(() => standin.close());
  const provider = mcpServer({ name: "tools", server: server ?? standin.server, clientName: "Notes", redirectUri });
  const path = `${await temporaryFolder(t)}/grants.db`;
  const keyring = keyringFromKeys(generateMasterKey());
  const another = async (): Promise<Vault> => {
    const vault = await openVault({ provider, store: sqlite(path), keyring, clock, ...options });
    t.after(() => vault.close());
    return vault;
  };
  const vault = await another();
  return {
    standin,
    clock,
    provider,
    vault,
    another,
    async connect(externalId, email = "ada@example.com", scope = "mcp:whoami mcp:add") {
      const signIn = { redirectUri, codeVerifier: verifier, externalId, source: "web-redirect" } as const;
      // The client is found out when it is first needed.
      if (vault.providers[0]?.clientId === "") {
        await vault.exchangeCode({ ...signIn, code: "never-issued" }).catch(() => undefined);
      }
      const clientId = vault.providers[0]?.clientId ?? "";
      const challenge = challengeOf(verifier);
      const code = standin.code({
        email,
        clientId,
        redirectUri,
        codeChallenge: challenge,
        resource: standin.server,
        scope,
      });
      return vault.exchangeCode({ ...signIn, code });
    },
  };
}

/**
 * A `fetch` at which the server refuses one token from some time on, as one that has lost it would. It refuses the second
 * request with it and all that follow only once another token was taken.
 */
export function refusing(): { fetch: typeof fetch; begin: (token: string) => void; readonly count: number } {
  let refused: string | undefined;
  let count = 0;
  const { promise: another, resolve } = Promise.withResolvers<void>();
  return {
    fetch: async (input, init) => {
      const sent = new Headers(init?.headers).get("authorization");
      if (refused === undefined || sent !== refused) {
        const response = await fetch(input, init);
        if (refused !== undefined && sent !== null) resolve();
        return response;
      }
      count += 1;
      if (count > 1) await another;
      return new Response(null, { status: 401, headers: { "www-authenticate": 'Bearer error="invalid_token"' } });
    },
    begin: (token) => {
      refused = `Bearer ${token}`;
    },
    get count() {
      return count;
    },
  };
}
