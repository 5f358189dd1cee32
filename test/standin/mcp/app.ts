import assert from "node:assert/strict";
import type { OAuthClientProvider, OAuthDiscoveryState } from "@modelcontextprotocol/sdk/client/auth.js";
import type {
  OAuthClientInformationMixed,
  OAuthClientMetadata,
  OAuthTokens,
} from "@modelcontextprotocol/sdk/shared/auth.js";
import { Visitor } from "../visitor.ts";

export const callback = "http://127.0.0.1:8787/callback";

/** What an app keeps between its requests, as the SDK asks for it; and the browser of the person who uses it. */
export class App implements OAuthClientProvider {
  readonly redirectUrl = callback;
  readonly clientMetadataUrl?: string;
  readonly clientMetadata: OAuthClientMetadata;
  /** Where the person was sent last. */
  sentTo: URL | undefined;
  information: OAuthClientInformationMixed | undefined;
  kept: OAuthTokens | undefined;
  #verifier = "";
  #discovered: OAuthDiscoveryState | undefined;

  constructor(metadata: Partial<OAuthClientMetadata> = {}, clientMetadataUrl?: string) {
    this.clientMetadata = {
      client_name: "Notes",
      redirect_uris: [callback],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
      ...metadata,
    };
    if (clientMetadataUrl !== undefined) this.clientMetadataUrl = clientMetadataUrl;
  }

  state(): string {
    return "s-1";
  }

  clientInformation(): OAuthClientInformationMixed | undefined {
    return this.information;
  }

  saveClientInformation(information: OAuthClientInformationMixed): void {
    this.information = information;
  }

  tokens(): OAuthTokens | undefined {
    return this.kept;
  }

  saveTokens(tokens: OAuthTokens): void {
    this.kept = tokens;
  }

  redirectToAuthorization(url: URL): void {
    this.sentTo = url;
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#discovered;
  }

  saveDiscoveryState(state: OAuthDiscoveryState): void {
    this.#discovered = state;
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  codeVerifier(): string {
    return this.#verifier;
  }
}

/** Ada chooses her account and agrees; some boxes she may untick. What the app gets with the redirect. */
export async function agree(
  url: URL | undefined,
  untick: readonly string[] = [],
  email = "ada@example.com",
): Promise<URLSearchParams> {
  const visitor = new Visitor();
  await visitor.open(url?.href ?? "");
  if (visitor.form("/signin/account") !== undefined) await visitor.submit("/signin/account", { email });
  if (visitor.form("/signin/consent") !== undefined)
    await visitor.submit("/signin/consent", { decision: "allow" }, untick);
  assert.equal(visitor.status, 303, visitor.page);
  return new URL(visitor.location ?? "").searchParams;
}
