/** People who consent, at the stand-in: for the vault's client, and for the one whose tokens are in files. */
import { createHash, randomBytes } from "node:crypto";
import type { Vault } from "../../src/index.ts";
import type { McpStandin } from "../../src/standin/index.ts";
import { writeTokenFile } from "./file-provider.ts";
import type { TokenFile } from "./file-provider.ts";
import { redirectUri } from "./messages.ts";

/** A code for a client, and the verifier that it is exchanged with. */
function consent(standin: McpStandin, email: string, clientId: string): { code: string; codeVerifier: string } {
  const codeVerifier = randomBytes(32).toString("base64url");
  const codeChallenge = createHash("sha256").update(codeVerifier).digest("base64url");
  return {
    code: standin.code({ email, clientId, redirectUri, codeChallenge, resource: standin.server }),
    codeVerifier,
  };
}

/** A vault's grants for people. Returns the id of the client that the vault has registered. */
export async function grantsInVault(vault: Vault, standin: McpStandin, people: readonly string[]): Promise<string> {
  const common = { provider: "tools", source: "web-redirect", redirectUri } as const;
  // The client is registered when it is needed for the first time.
  await vault
    .exchangeCode({ ...common, code: "none", codeVerifier: "x".repeat(43), externalId: "nobody" })
    .catch(() => undefined);
  const clientId = vault.providers[0]?.clientId ?? "";
  for (const person of people) {
    await vault.exchangeCode({ ...common, ...consent(standin, `${person}@example.com`, clientId), externalId: person });
  }
  return clientId;
}

/** Registers the client whose tokens are in files. Returns its id. */
export async function registered(standin: McpStandin, name: string): Promise<string> {
  const response = await fetch(`${standin.url}/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      client_name: name,
      redirect_uris: [redirectUri],
      grant_types: ["authorization_code", "refresh_token"],
      token_endpoint_auth_method: "none",
    }),
  });
  return ((await response.json()) as { client_id: string }).client_id;
}

/** Writes a file with tokens that the person has just consented to. */
export async function tokensInFile(
  standin: McpStandin,
  { path, email, clientId }: { readonly path: string; readonly email: string; readonly clientId: string },
): Promise<void> {
  const { code, codeVerifier } = consent(standin, email, clientId);
  const response = await fetch(`${standin.url}/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "authorization_code",
      code,
      code_verifier: codeVerifier,
      redirect_uri: redirectUri,
      client_id: clientId,
      resource: standin.server,
    }),
  });
  if (!response.ok) throw new Error(`the consent of ${email} failed: ${await response.text()}`);
  writeTokenFile(path, { clientId, tokens: (await response.json()) as NonNullable<TokenFile["tokens"]> });
}
