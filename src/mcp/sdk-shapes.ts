/**
 * What the MCP SDK wants of an `OAuthClientProvider`, in its versions 1 and 2, as far as it is used here. Types of our own, so
 * that a program compiles with one of the two installed.
 */

/** For which authorization server something is asked. Only SDK 2 says it, and only while it signs in. */
export interface McpIssuerContext {
  readonly issuer: string;
}

/** Tokens as the SDK passes them. */
export interface McpTokens {
  access_token: string;
  token_type: string;
  expires_in?: number;
  scope?: string;
  refresh_token?: string;
  /** The authorization server that they are of. */
  issuer?: string;
}

/** Who our client is. */
export interface McpClientInformation {
  client_id: string;
  /** The authorization server that knows it. */
  issuer?: string;
}

/** What is said of the client. */
export interface McpClientMetadata {
  client_name?: string;
  redirect_uris: string[];
  grant_types?: string[];
  response_types?: string[];
  scope?: string;
}

/** What was found out about the server. */
export interface McpDiscoveryState {
  authorizationServerUrl: string;
  resourceMetadataUrl?: string;
}
