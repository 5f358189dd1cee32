/**
 * What is read of the Model Context Protocol's TypeScript SDK, versions 1 and 2, by the shape of its objects: neither is
 * imported, so that a program needs only the one that it uses.
 */

/** What an SDK knows of a request's access token once it was verified: SDK 1's and SDK 2's `AuthInfo`. */
export interface AuthInfo {
  readonly token: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  /** Seconds since the Unix epoch. */
  readonly expiresAt?: number | undefined;
  readonly resource?: URL | undefined;
  /** What the server's own verifier has put there, such as the token's claims. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
}

/** One elicitation of mode `url`, as revision 2025-11-25 of the protocol sends it. */
export interface UrlElicitation {
  mode: "url";
  elicitationId: string;
  url: string;
  message: string;
}

/** The class of either SDK. */
export type UrlElicitationRequiredErrorClass = new (elicitations: UrlElicitation[], message?: string) => Error;

/** What is used of the SDKs' `Server`. */
export interface McpProtocolServer {
  getClientCapabilities(): unknown;
  createElicitationCompletionNotifier(elicitationId: string): () => Promise<void>;
}

/** An `McpServer` of either SDK, or the `Server` beneath it. */
export type McpServerLike = McpProtocolServer | { readonly server: McpProtocolServer };

/** What is known of one request of a client. */
export interface ClientCall {
  readonly authInfo: AuthInfo | undefined;
  readonly signal: AbortSignal | undefined;
  /** Whether the client can open a URL for its user. */
  readonly opensUrls: boolean;
  /**
   * Whether the request is of revision 2026-07-28 or later, where an elicitation is a result that the client answers by sending
   * its request again, instead of an error.
   */
  readonly answersByRetry: boolean;
  /** What such a client has answered to an elicitation that was part of the last result. Undefined: it was not asked. */
  readonly answerTo: (key: string) => string | undefined;
}

const lastRevisionWithError = "2025-11-25";
const capabilitiesKey = "io.modelcontextprotocol/clientCapabilities";

export function protocolServer(server: McpServerLike): McpProtocolServer {
  return "server" in server ? server.server : server;
}

/**
 * Reads what a handler was given.
 *
 * @param extra SDK 1's `extra`, SDK 2's `ctx`
 */
export function clientCall(server: McpServerLike, extra: unknown): ClientCall {
  const { authInfo, http, signal, mcpReq } = (extra ?? {}) as Extra;
  const revision = (protocolServer(server) as Revised).getNegotiatedProtocolVersion?.();
  // Revisions are dates.
  const answersByRetry = revision !== undefined && revision > lastRevisionWithError;
  const capabilities = answersByRetry
    ? mcpReq?.envelope?.[capabilitiesKey]
    : protocolServer(server).getClientCapabilities();
  return {
    authInfo: authInfo ?? http?.authInfo,
    signal: signal ?? mcpReq?.signal,
    opensUrls: opensUrls(capabilities),
    answersByRetry,
    answerTo: (key) => actionOf(mcpReq?.inputResponses?.[key]),
  };
}

interface Extra {
  readonly authInfo?: AuthInfo;
  readonly signal?: AbortSignal;
  readonly http?: { readonly authInfo?: AuthInfo };
  readonly mcpReq?: {
    readonly signal?: AbortSignal;
    readonly envelope?: Readonly<Record<string, unknown>>;
    readonly inputResponses?: Readonly<Record<string, unknown>>;
  };
}

/** SDK 2's server. */
interface Revised {
  getNegotiatedProtocolVersion?: () => string | undefined;
}

/** An empty `elicitation` means forms alone. */
function opensUrls(capabilities: unknown): boolean {
  const { elicitation } = (capabilities ?? {}) as { elicitation?: { url?: unknown } | null };
  return typeof elicitation === "object" && elicitation !== null && typeof (elicitation.url ?? undefined) === "object";
}

function actionOf(response: unknown): string | undefined {
  const { action } = (response ?? {}) as { action?: unknown };
  return response === undefined ? undefined : typeof action === "string" ? action : "cancel";
}
