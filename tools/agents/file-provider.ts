/** The usual `OAuthClientProvider` of an agent: tokens in a JSON file, which all its processes share. */
import { readFileSync, writeFileSync } from "node:fs";
import type { OAuthClientProvider, StoredOAuthTokens } from "@modelcontextprotocol/client";

/** What stands in the file. */
export interface TokenFile {
  readonly clientId: string;
  readonly tokens?: StoredOAuthTokens;
}

export class FileProvider implements OAuthClientProvider {
  readonly redirectUrl: string;
  readonly #path: string;
  #verifier = "";

  constructor(path: string, redirectUrl: string) {
    this.#path = path;
    this.redirectUrl = redirectUrl;
  }

  get clientMetadata(): OAuthClientProvider["clientMetadata"] {
    return {
      client_name: "Agents with files",
      redirect_uris: [this.redirectUrl],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
    };
  }

  clientInformation(): { client_id: string } {
    return { client_id: this.#read().clientId };
  }

  tokens(): StoredOAuthTokens | undefined {
    return this.#read().tokens;
  }

  saveTokens(tokens: StoredOAuthTokens): void {
    writeTokenFile(this.#path, { ...this.#read(), tokens });
  }

  /** The SDK asks for it where the provider has refused the refresh token. */
  invalidateCredentials(scope: "all" | "client" | "tokens" | "verifier" | "discovery"): void {
    if (scope === "all" || scope === "tokens") writeTokenFile(this.#path, { clientId: this.#read().clientId });
  }

  /** Nobody sits in front of an agent: the call fails, and the person must be asked. */
  redirectToAuthorization(): void {
    this.#verifier = "";
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  codeVerifier(): string {
    return this.#verifier;
  }

  #read(): TokenFile {
    // Another process may be writing it.
    for (let tries = 0; ; tries++) {
      try {
        return JSON.parse(readFileSync(this.#path, "utf8")) as TokenFile;
      } catch (error) {
        if (tries >= 20) throw error;
      }
    }
  }
}

export function writeTokenFile(path: string, file: TokenFile): void {
  writeFileSync(path, JSON.stringify(file));
}
