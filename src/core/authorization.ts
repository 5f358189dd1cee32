/** What an authorization request needs to know of the server that it goes to, and of our client there. */
export interface Authorization {
  /** The authorization endpoint. */
  readonly endpoint: string;
  readonly clientId: string;
  /** The server's own identifier. */
  readonly issuer: string;
  /** Whether its redirects carry `iss` (RFC 9207). */
  readonly sendsIssuer: boolean;
  /** Whether it lists the scope `offline_access`. */
  readonly offersOfflineAccess: boolean;
  /** What a sign-in should ask for that names no scopes itself. Absent: nothing is known of that. */
  readonly scopes?: readonly string[];
  /** The API that tokens are for, where the server itself has said it. Absent: what the provider's record says. */
  readonly resource?: string | readonly string[];
  /** The one redirect URI that the client is registered with. Absent: not known here. */
  readonly redirectUri?: string;
}
