import type { Vault } from "../../src/index.ts";
import { agree } from "../standin/mcp/app.ts";
import { ConnectBrowser, backWith, newVerifier } from "./connect-browser.ts";

/** Where the links of {@link connectAtMcp} lead; beneath it is the redirect URI. */
export const linksAt = "http://127.0.0.1:8787/connect";

/** Somebody connects an account at the stand-in for an MCP server, by a link that nobody sees. */
export async function connectAtMcp(vault: Vault, provider: string, externalId: string): Promise<void> {
  const browser = new ConnectBrowser(vault.connectHandler({ baseUrl: linksAt }));
  const { codeVerifier, codeChallenge } = newVerifier();
  const returnUrl = "http://127.0.0.1:8787/settings";
  const link = await vault.beginConnect({ provider, externalId, returnUrl, codeChallenge });
  const { location = "" } = await browser.open(link.url);
  await browser.open(backWith(location, Object.fromEntries(await agree(new URL(location)))));
  await vault.finishConnect(link.connectId, { codeVerifier });
}
